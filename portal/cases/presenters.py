"""A case as its page shows it: photographs with their answers, what the person may do, and whether news is due."""

import json
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.permissions import can
from portal.audit.selectors import TrailEntry, case_trail
from portal.cases.choices import EDITABLE, READABLE, SIGNED, TRANSITIONS, UNDER_ANALYSIS, CaseState
from portal.cases.models import Case, SmearImage
from portal.inference.choices import OPEN_STATES
from portal.inference.models import Job, Prediction
from portal.inference.selectors import (
    CasePreclassification,
    case_preclassification,
    latest_job,
    latest_prediction,
)
from portal.reports.models import Diagnosis
from smear.classes import CLASSES


@dataclass(frozen=True, slots=True)
class Frame:
    """One photograph in the film strip, with the newest job and answer it has."""

    image: SmearImage
    job: Job | None
    prediction: Prediction | None

    @property
    def is_open(self) -> bool:
        return self.job is not None and self.job.state in OPEN_STATES

    @property
    def heat_urls(self) -> str:
        """Addresses of the heat maps by class label, as JSON; empty while there is no answer."""
        if self.prediction is None:
            return ""
        return json.dumps(
            {label: reverse("cases:heat_map", args=[self.image.pk, label]) for label in CLASSES}
        )


@dataclass
class CasePage:
    """What the case page and its live fragment show to one person. ``case`` comes from ``case_detail``."""

    case: Case
    user: User

    @cached_property
    def frames(self) -> list[Frame]:
        return [
            Frame(image, job=latest_job(image), prediction=latest_prediction(image))
            for image in self.case.images.all()
        ]

    @cached_property
    def answer(self) -> CasePreclassification | None:
        return case_preclassification(self.case)

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        return max(self.case.diagnoses.all(), key=lambda diagnosis: diagnosis.version, default=None)

    @cached_property
    def history(self) -> list[TrailEntry]:
        return case_trail(self.case)[::-1]

    @property
    def done(self) -> int:
        return sum(not frame.is_open for frame in self.frames)

    @property
    def may_edit(self) -> bool:
        return self.case.state in EDITABLE and can(self.user, Action.SUBMIT_CASE, self.case.laboratory)

    @property
    def may_cancel(self) -> bool:
        return CaseState.CANCELLED in TRANSITIONS[self.case.state] and can(
            self.user, Action.SUBMIT_CASE, self.case.laboratory
        )

    @property
    def may_read(self) -> bool:
        return self.case.state in READABLE and can(self.user, Action.READ_CASE, self.case.laboratory)

    @property
    def is_under_analysis(self) -> bool:
        return self.case.state in UNDER_ANALYSIS

    @property
    def is_signed(self) -> bool:
        return self.case.state in SIGNED

    @property
    def next_step(self) -> str:
        """What happens next, for somebody who cannot read the case now."""
        if self.is_under_analysis:
            return _("The reviewers get the case as soon as the model has answered, or could not.")
        if self.case.state in READABLE:
            return _("The case waits for a reviewer of this laboratory.")
        if self.case.state == CaseState.CANCELLED:
            return _("The case was cancelled and is kept as it is.")
        return ""

    @property
    def live(self) -> str:
        """How soon news is due: 'running', 'watching' or 'settled' (see frontend/js/live.js)."""
        if self.is_under_analysis:
            return "running"
        if self.is_signed or self.case.state == CaseState.CANCELLED:
            return "settled"
        return "watching"

    @cached_property
    def version(self) -> str:
        return live_version(self.case)


def live_version(case: Case) -> str:
    """A short text that changes whenever the live part of the page does."""
    jobs = Job.objects.filter(case=case.pk).order_by("state").values_list("state").annotate(n=Count("pk"))
    counts = "-".join(f"{state}{count}" for state, count in jobs)
    return f"{case.state}-{counts}"
