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
from portal.audit.trail import TrailEntry
from portal.cases.choices import (
    EDITABLE,
    SIGNED,
    TRANSITIONS,
    UNDER_ANALYSIS,
    UNDER_READING,
    CaseState,
)
from portal.cases.models import Case, SmearImage
from portal.cases.templatetags.hemalens import class_title
from portal.cases.tiles import has_tiles
from portal.desk.trail import case_trail
from portal.fonts import warning
from portal.inference.choices import OPEN_STATES
from portal.inference.models import Job, Prediction
from portal.inference.selectors import (
    CasePreclassification,
    case_preclassification,
    latest_job,
    latest_prediction,
)
from portal.reading import blind
from portal.reading.claims import open_claim
from portal.reading.exposure import was_exposed
from portal.reading.models import Claim, Conclusion, Read, Return
from portal.reading.selectors import may_sign, shown_reads, standing_conclusion
from portal.reports.models import Diagnosis
from portal.reports.selectors import newest_version
from smear.classes import CLASSES


@dataclass(frozen=True, slots=True)
class Frame:
    """One photograph in the film strip, with the newest job and answer it has."""

    image: SmearImage
    job: Job | None
    prediction: Prediction | None
    is_hidden: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the photograph's job is not over yet."""
        return self.job is not None and self.job.state in OPEN_STATES

    @property
    def words(self) -> str:
        """What the model says of it, in a line; or why it says nothing."""
        if self.prediction is None:
            if self.is_open:
                return _("being classified")
            return _("to be read") if self.is_hidden else _("no pre-classification")
        title = class_title(self.prediction.label)
        if not self.prediction.refer:
            return title
        reasons = ", ".join(str(reason.label).lower() for reason in self.prediction.reasons())
        return f"{title}, {_('refer')} ({reasons})"

    @property
    def heat_urls(self) -> str:
        """Addresses of the heat maps by class label, as JSON; empty while there is no answer."""
        if self.prediction is None:
            return ""
        return json.dumps(
            {label: reverse("cases:heat_map", args=[self.image.pk, label]) for label in CLASSES}
        )

    @property
    def tiles_url(self) -> str:
        """Where a large photograph's Deep Zoom descriptor is; empty for one that is shown whole."""
        return reverse("cases:tiles", args=[self.image.pk]) if has_tiles(self.image) else ""


def entered_print_warning(case: Case) -> str:
    """What of the words entered about a case the fonts of this machine cannot print; empty where all can be."""
    return warning([case.patient_pseudonym, case.clinical_note])


@dataclass
class CasePage:
    """What the case page and its live fragment show to one person. ``case`` comes from ``case_detail``."""

    case: Case
    user: User

    @cached_property
    def frames(self) -> list[Frame]:
        """The photographs; with their answers where the person may see them."""
        return [
            Frame(
                image,
                job=latest_job(image),
                prediction=latest_prediction(image) if self.sees_model else None,
                is_hidden=not self.sees_model,
            )
            for image in self.case.images.all()
        ]

    @cached_property
    def sees_model(self) -> bool:
        """Called where the page is made: the person who is shown the answer is recorded."""
        return blind.show_model(self.user, self.case)

    @cached_property
    def saw_model_before(self) -> bool:
        """Whether the person knows an answer of the model to a photograph of the case, which the read will say."""
        return not self.sees_model and was_exposed(self.user, self.case)

    @cached_property
    def answer(self) -> CasePreclassification | None:
        """The model's answer for the case, where it may be shown."""
        return case_preclassification(self.case) if self.sees_model else None

    # --- reading

    @cached_property
    def claim(self) -> Claim | None:
        """Who has the case in hand."""
        return open_claim(self.case)

    @cached_property
    def own_read(self) -> Read | None:
        """The person's own read of this round."""
        return blind.own_read(self.user, self.case)

    @cached_property
    def reads(self) -> list[Read]:
        """The reads of this round that the person may see."""
        return shown_reads(self.user, self.case, sees_all=blind.sees_reads(self.user, self.case))

    @cached_property
    def standing(self) -> Conclusion | None:
        """The valid conclusion of the case."""
        return standing_conclusion(self.reads)

    @cached_property
    def returned(self) -> Return | None:
        """What is missing, while the case is with its submitter."""
        return self.case.returns.first() if self.case.state == CaseState.RETURNED else None

    @cached_property
    def is_reader(self) -> bool:
        """Whether the person reads in the case's laboratory."""
        return can(self.user, Action.READ_CASE, self.case.laboratory)

    @property
    def has_in_hand(self) -> bool:
        """Whether the person has the case in hand."""
        return self.claim is not None and self.claim.reader == self.user

    @cached_property
    def step(self) -> str:
        """What the person can do with the case now; names the template of the panel (cases/parts/steps/)."""
        if self.diagnosis:
            return "signed"
        if not self.is_reader or self.case.state not in UNDER_READING:
            return "wait"
        if self.case.state == CaseState.READY_TO_SIGN:
            return "sign" if may_sign(self.user, self.case) else "wait"
        own = self.own_read
        if own is not None:
            return "wait" if own.is_concluded else "conclude"
        if self.has_in_hand:
            return "adjudicate" if self.case.state == CaseState.ADJUDICATION else "read"
        if self.claim is not None:
            return "held"
        return "claim"

    @cached_property
    def print_warning(self) -> str:
        """What of the report to be signed the fonts of this machine cannot print, in words for the signer."""
        case = self.case
        texts = [self.user.full_name, case.laboratory.name, case.patient_pseudonym, case.clinical_note]
        texts.append(case.created_by.full_name)
        for read in self.reads:
            texts += [read.reader.full_name, read.comment]
            texts += [read.conclusion.reason_words] if read.is_concluded else []
        return warning(texts)

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """The newest signed version."""
        return newest_version(self.case)

    @cached_property
    def history(self) -> list[TrailEntry]:
        """What happened to the case, the newest first."""
        return case_trail(self.case)[::-1]

    @property
    def done(self) -> int:
        """How many photographs are answered, or could not be."""
        return sum(not frame.is_open for frame in self.frames)

    @property
    def may_edit(self) -> bool:
        """Whether the person may change the draft."""
        return self.case.state in EDITABLE and can(self.user, Action.SUBMIT_CASE, self.case.laboratory)

    @property
    def may_cancel(self) -> bool:
        """Whether the person may cancel the case."""
        return CaseState.CANCELLED in TRANSITIONS[self.case.state] and can(
            self.user, Action.SUBMIT_CASE, self.case.laboratory
        )

    @property
    def is_under_analysis(self) -> bool:
        """Whether the model's answers are being awaited."""
        return self.case.state in UNDER_ANALYSIS

    @property
    def is_signed(self) -> bool:
        """Whether the report is signed."""
        return self.case.state in SIGNED

    @property
    def next_step(self) -> str:
        """What happens next, for somebody who cannot read the case now."""
        if self.is_under_analysis:
            return _("The reviewers get the case as soon as the model has answered or has failed to.")
        if self.case.state == CaseState.READY_TO_SIGN:
            return _("The case has been read; one of its readers can sign the report.")
        if self.case.state == CaseState.RETURNED:
            return _("The case is with its submitter, who was informed what is missing.")
        if self.own_read is not None:
            return _("Your read is stored. Another reviewer continues with the case.")
        if self.case.state in UNDER_READING:
            return _("The case is waiting for a reviewer of this laboratory, or is being read.")
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
        """Changes whenever the page would."""
        return live_version(self.case)


def live_version(case: Case) -> str:
    """A short text that changes whenever the live part of the page does; before the dash what the panel depends on."""
    jobs = Job.objects.filter(case=case.pk).order_by("state").values_list("state").annotate(n=Count("pk"))
    counts = "".join(f"{state}{count}" for state, count in jobs)
    claim = Claim.objects.filter(case=case.pk, ended_at=None).values_list("pk", flat=True).first()
    return f"{case.state}.{claim or 0}.{case.round}-{counts}"
