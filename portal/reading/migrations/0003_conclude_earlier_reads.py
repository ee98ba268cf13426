"""Reads from before there were conclusions were their readers' last word."""

from django.db import migrations


def conclude(apps, schema_editor):
    Read = apps.get_model("reading", "Read")
    Conclusion = apps.get_model("reading", "Conclusion")
    for read in Read.objects.filter(conclusion=None).iterator():
        Conclusion.objects.create(read=read, label=read.label, confidence=read.confidence)


class Migration(migrations.Migration):
    dependencies = [("reading", "0002_claims_conclusions_policies")]
    operations = [migrations.RunPython(conclude, migrations.RunPython.noop)]
