"""Photographs that were stored before they were hashed by their looks."""

import logging

from django.db import migrations

from portal.cases.photographs import thumbnail_hash

log = logging.getLogger(__name__)


def hash_photographs(apps, schema_editor):
    SmearImage = apps.get_model("cases", "SmearImage")
    lost = 0
    for image in SmearImage.objects.filter(perceptual_hash=None).only("pk", "thumbnail").iterator(chunk_size=500):
        try:
            with image.thumbnail.open("rb") as file:
                looks = thumbnail_hash(file.read())
        except OSError:
            lost += 1
        else:
            SmearImage.objects.filter(pk=image.pk).update(perceptual_hash=looks)
    if lost:
        log.warning("%d photographs have no thumbnail to hash; they are known again by their pixels alone.", lost)


class Migration(migrations.Migration):
    dependencies = [("cases", "0007_perceptual_hash")]
    operations = [migrations.RunPython(hash_photographs, migrations.RunPython.noop)]
