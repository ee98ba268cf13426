"""The same for the notices of quick looks, which live for minutes: what is not known is shown as it is."""

from django.db import migrations

from portal.cases.migrations._sentences import notices_of, rewrite
from portal.one_way import one_way


def to_codes(apps, schema_editor):
    rewrite(apps.get_model("inference", "QuickLook"), "notices", notices_of)


class Migration(migrations.Migration):
    dependencies = [
        ("inference", "0003_quick_look_perceptual_hash"),
        ("cases", "0010_notices_as_codes"),
    ]
    operations = [
        migrations.RunPython(to_codes, migrations.RunPython.noop),
        one_way("The release before cannot read notices that are kept as codes."),
    ]
