"""Errors of jobs, attempts and quick looks were stored as sentences; now as codes and values."""

from django.db import migrations, models

from portal.cases.migrations._sentences import NO_ANSWER, message_of, rewrite, text_to_json
from portal.one_way import one_way

MODELS = ("Job", "Attempt", "QuickLook")


def to_codes(apps, schema_editor):
    for name in MODELS:
        rewrite(
            apps.get_model("inference", name), "error", lambda sentence: message_of(sentence, NO_ANSWER)
        )


class Migration(migrations.Migration):
    dependencies = [
        ("inference", "0004_notices_as_codes"),
        ("cases", "0011_reasons_as_codes"),
    ]
    operations = [
        *(
            migrations.SeparateDatabaseAndState(
                database_operations=[text_to_json(f"inference_{name.lower()}", "error")],
                state_operations=[
                    migrations.AlterField(
                        model_name=name.lower(),
                        name="error",
                        field=models.JSONField(blank=True, null=True),
                    )
                ],
            )
            for name in MODELS
        ),
        migrations.RunPython(to_codes, migrations.RunPython.noop),
        one_way("The release before cannot read errors that are kept as codes."),
    ]
