"""Who is known to have seen the model's answer before that was kept by person and picture.

Readers were shown it at their read, whatever the policy; who made a case of a quick look counted as having seen it.
"""

from django.db import migrations

from portal.one_way import one_way


def keep_earlier(apps, schema_editor):
    Exposure = apps.get_model("reading", "Exposure")
    ImageRead = apps.get_model("reading", "ImageRead")
    SmearImage = apps.get_model("cases", "SmearImage")
    looks = ("pixel_sha256", "perceptual_hash")
    read = ImageRead.objects.exclude(read__model_label="").order_by("read__created_at")
    rows = read.values_list("read__reader", "read__created_at", *(f"image__{name}" for name in looks))
    _keep(Exposure, rows)
    looked = SmearImage.objects.exclude(case__quick_looked_by=None).order_by("case_id", "created_at").distinct("case_id")
    _keep(Exposure, looked.values_list("case__quick_looked_by", "case__created_at", *looks))


def _keep(Exposure, rows):
    exposures = (
        Exposure(person_id=person, first_at=at, pixel_sha256=pixels, perceptual_hash=looks)
        for person, at, pixels, looks in rows.iterator(chunk_size=2000)
    )
    Exposure.objects.bulk_create(exposures, batch_size=1000, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("reading", "0004_exposure"), ("cases", "0008_hash_photographs")]
    operations = [
        migrations.RunPython(keep_earlier, migrations.RunPython.noop),
        one_way("Who has been shown the model's answer would be forgotten."),
    ]
