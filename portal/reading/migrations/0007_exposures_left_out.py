"""Who had seen the model's answer and was left out by 0005.

Reads from before photographs were answered one by one have no rows for them; who signs a report has the answer before
them, whoever read the case; and the page of a quick look shows the answer to its owner as soon as it is there.
"""

from django.db import migrations
from django.db.models import F


def keep_left_out(apps, schema_editor):
    Read = apps.get_model("reading", "Read")
    Diagnosis = apps.get_model("reports", "Diagnosis")
    QuickLookAnswer = apps.get_model("inference", "QuickLookAnswer")
    looks = ("pixel_sha256", "perceptual_hash")
    of_case = [f"case__images__{name}" for name in looks]
    whole = Read.objects.exclude(model_label="").filter(
        image_reads=None,
        case__images__predictions__isnull=False,
        case__images__created_at__lte=F("created_at"),
    )
    _keep(apps, whole.order_by("created_at").values_list("reader", "created_at", *of_case))
    signed = Diagnosis.objects.filter(
        case__images__predictions__isnull=False, case__images__created_at__lte=F("signed_at")
    )
    _keep(apps, signed.order_by("signed_at").values_list("signed_by", "signed_at", *of_case))
    looked = QuickLookAnswer.objects.order_by("quick_look__created_at")
    of_look = [f"quick_look__{name}" for name in looks]
    _keep(apps, looked.values_list("quick_look__owner", "quick_look__created_at", *of_look))


def _keep(apps, rows):
    Exposure = apps.get_model("reading", "Exposure")
    exposures = (
        Exposure(person_id=person, first_at=at, pixel_sha256=pixels, perceptual_hash=hashed)
        for person, at, pixels, hashed in rows.iterator(chunk_size=2000)
    )
    Exposure.objects.bulk_create(exposures, batch_size=1000, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [
        ("reading", "0006_order_within_a_moment"),
        ("inference", "0003_quick_look_perceptual_hash"),
        ("reports", "0004_reviewed_exports"),
    ]
    operations = [migrations.RunPython(keep_left_out, migrations.RunPython.noop)]
