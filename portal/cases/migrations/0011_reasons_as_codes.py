"""Why a case has no pre-classification was stored as a sentence; now as a code and values.

The history is append-only: its older rows keep the sentence, as a JSON text.
"""

from django.db import migrations, models

from portal.cases.migrations._sentences import NO_ANSWER, message_of, rewrite, text_to_json
from portal.one_way import one_way

HELP = "Why the model has not answered, if it has not."


def to_codes(apps, schema_editor):
    # The cases do not change, so their history gets no event.
    schema_editor.execute("ALTER TABLE cases_case DISABLE TRIGGER USER")
    rewrite(
        apps.get_model("cases", "Case"),
        "no_preclassification_reason",
        lambda sentence: message_of(sentence, NO_ANSWER),
    )
    schema_editor.execute("ALTER TABLE cases_case ENABLE TRIGGER USER")


class Migration(migrations.Migration):
    dependencies = [("cases", "0010_notices_as_codes")]
    operations = [
        *(
            migrations.SeparateDatabaseAndState(
                database_operations=[text_to_json(f"cases_{model}", "no_preclassification_reason")],
                state_operations=[
                    migrations.AlterField(
                        model_name=model,
                        name="no_preclassification_reason",
                        field=models.JSONField(blank=True, help_text=HELP, null=True),
                    )
                ],
            )
            for model in ("case", "caseevent")
        ),
        migrations.RunPython(to_codes, migrations.RunPython.noop),
        one_way("The release before cannot read reasons that are kept as codes."),
    ]
