"""That a reader never came back to an answer becomes a code; so far it was a sentence in the worker's language."""

from django.db import migrations, models

#: As the releases so far wrote it, in English and Spanish.
SENTENCES = (
    "Not looked at again; the answer given before the model's was shown stands.",
    "No se volvió a mirar; vale la respuesta dada antes de mostrarse la del modelo.",
    "Not reviewed again; the answer given before the model's was shown is final.",
    "No se volvió a revisar; la respuesta dada antes de mostrarse la del modelo es definitiva.",
)


def keep_as_code(apps, schema_editor):
    table = apps.get_model("reading", "Conclusion")._meta.db_table
    with schema_editor.connection.cursor() as cursor:
        # A conclusion never changes; what it says does not, only how it is kept.
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(
            f"UPDATE {table} SET is_by_clock = true, reason = '' WHERE reason = ANY(%s)",  # noqa: S608 - our own name
            [list(SENTENCES)],
        )
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


class Migration(migrations.Migration):
    dependencies = [("reading", "0007_exposures_left_out")]

    operations = [
        migrations.AddField(
            "conclusion",
            "is_by_clock",
            models.BooleanField(
                default=False, help_text="the reader never came back, and the answer given before became final"
            ),
        ),
        migrations.RunPython(keep_as_code, migrations.RunPython.noop),
    ]
