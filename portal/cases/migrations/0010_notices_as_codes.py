"""Notices were stored as English sentences; now as codes and values, so that each reader gets their language."""

from django.db import migrations

from portal.cases.migrations._sentences import notices_of, rewrite
from portal.one_way import one_way


def to_codes(apps, schema_editor):
    # The photographs do not change, so their history gets no event; it keeps what stood there when it was written.
    schema_editor.execute("ALTER TABLE cases_smearimage DISABLE TRIGGER USER")
    rewrite(apps.get_model("cases", "SmearImage"), "notices", notices_of)
    schema_editor.execute("ALTER TABLE cases_smearimage ENABLE TRIGGER USER")


class Migration(migrations.Migration):
    dependencies = [("cases", "0009_remove_quick_looked_by")]
    operations = [
        migrations.RunPython(to_codes, migrations.RunPython.noop),
        one_way("The release before cannot read notices that are kept as codes."),
    ]
