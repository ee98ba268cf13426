"""Who has been shown the model's answer about which pictures. Whether a read was blind follows from it.

Whatever puts out an answer of the model to a person calls ``record`` for the pictures that it is about. What is kept
outlives the picture: a hash of its pixels and one of its looks, so that the same photograph is known again when it
comes back in another round, in another case, or after a quick look that was discarded.
"""

from django.db.models import Exists, OuterRef, QuerySet

from portal.accounts.models import User
from portal.cases.lookalikes import lookalikes
from portal.cases.models import Case, SmearImage
from portal.inference.models import Prediction, QuickLook
from portal.reading.models import Exposure


def record(person: User, pictures: QuerySet[SmearImage] | QuerySet[QuickLook]) -> None:
    """Keep that a person is shown the model's answer about pictures; one query where all of it is known already."""
    known = Exposure.objects.filter(person=person, pixel_sha256=OuterRef("pixel_sha256"))
    new = pictures.filter(~Exists(known)).order_by().values_list("pixel_sha256", "perceptual_hash")
    rows = [Exposure(person=person, pixel_sha256=pixels, perceptual_hash=looks) for pixels, looks in new]
    if rows:
        Exposure.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)


def record_cases(person: User, cases: QuerySet[Case]) -> None:
    """``record`` for the photographs of cases whose answer is shown."""
    record(person, answered(SmearImage.objects.filter(case__in=cases.order_by().values("pk"))))


def answered(images: QuerySet[SmearImage]) -> QuerySet[SmearImage]:
    """Those of the photographs about which the model has said anything."""
    return images.filter(Exists(Prediction.objects.filter(image=OuterRef("pk"))))


def was_exposed(person: User, case: Case) -> bool:
    """Whether the person has been shown an answer of the model about any photograph of the case, wherever it was."""
    return bool(lookalikes(Exposure.objects.filter(person=person), case.images.all()))
