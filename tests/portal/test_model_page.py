"""The page about the model: for everybody signed in, with the figures and what has to be said beside them."""

import re
from typing import Protocol

import pytest
from django.test import Client
from django.urls import reverse

from portal.inference.cards import CardPage
from portal.inference.models import ModelVersion
from portal.inference.templatetags.inference import as_measured, figure, interval, level_percent, points
from portal.inference.versions import register_version
from tests.documents import Document
from tests.factories import REFER_RULE, active_model, model_card
from tests.portal.kinds import People

pytestmark = pytest.mark.django_db


def measure(value: float, low: float | None = None, high: float | None = None) -> Document:
    return {"value": value, "low": low, "high": high}


ESTIMATES = {
    "estimates": [
        {
            "key": "random_split",
            "title": "random split of photographs",
            "images": 2765,
            "groups": None,
            "measures": {"macro_f1": measure(0.9975, 0.994, 0.999)},
        },
        {
            "key": "test",
            "title": "test part",
            "images": 491,
            "groups": 44,
            "measures": {"macro_f1": measure(0.9906, 0.985, 0.9971), "ece": measure(0.0062)},
        },
        {
            "key": "cross_validation",
            "title": "cross-validation over groups",
            "images": 2765,
            "groups": 213,
            "measures": {"macro_f1": measure(0.9863, 0.98, 0.991)},
        },
    ],
    "comparisons": [
        {
            "key": "colour_5nn",
            "title": "nine colour statistics",
            "part": "test",
            "measures": {"macro_f1": measure(0.94)},
        }
    ],
    "known_failures": ["Smudge cells are called Early."],
    "limits": ["One source."],
}
#: How version 1 states its figures: without intervals, on one validation part.
CARD_OF_VERSION_1 = {
    "intended_use": "Research use only.",
    "training_data": {"name": "ALL image dataset", "photographs_used": "2,765 of 3,256"},
    "split": {"kind": "contiguous blocks of file numbers; not a patient split"},
    "figures": {
        "images": 557,
        "accuracy": 0.99641,
        "macro_f1": 0.9957,
        "malignant_sensitivity": 0.99786,
        "benign_recall": 0.98876,
        "ece": 0.00138,
        "confusion": {"labels": ["Benign", "Early"], "matrix": [[88, 1], [0, 167]]},
    },
    "baselines": {"colour_5nn": {"title": "nine colour statistics, which see no cell", "macro_f1": 0.97263}},
    "temperature": 0.372,
    "limits": ["One data set from one source."],
}
GATE = {
    "weights_sha256": "b" * 64,
    "passed": False,
    "finished": "2026-11-23T09:40:00+00:00",
    "git_commit": "0123456789abcdef",
    "criteria": [
        {"key": "f1", "text": "macro-F1", "bar": "at least 0.995", "value": 0.99061, "passed": False},
        {"key": "ece", "text": "calibration error", "bar": "at most 0.015", "value": 0.006, "passed": True},
    ],
}


class Show(Protocol):
    """Address of a page about the model -> its text, spaces and marks collapsed."""

    def __call__(self, address: str = ..., who: str = "submitter") -> str: ...


@pytest.fixture
def show(client: Client, people: People) -> Show:
    """Return a function: address of a page about the model -> its text, spaces and marks collapsed."""

    def text(address: str = reverse("models:current"), who: str = "submitter") -> str:
        client.force_login(getattr(people, who))
        response = client.get(address)
        assert response.status_code == 200
        main = response.content.decode().split("<main", 1)[1].split("</main>")[0]
        return " ".join(re.sub(r"<[^>]+>", " ", main).split())

    return text


def test_figures_stand_with_intervals_groups_and_what_they_are_compared_with(show: Show) -> None:
    active_model(2, refer_rule=REFER_RULE, **ESTIMATES)
    page = show()
    assert "leukemia_vgg16 version 2 In use" in page
    assert "Test part 491 photographs, 44 groups This model 0.991 (0.985–0.997) 0.006" in page
    assert "Nine colour statistics 0.940 –" in page
    assert "Random split of photographs 2765 photographs Random split: optimistic" in page
    assert page.index("Cross-validation over groups") < page.index("Random split of photographs")
    assert "Gap: macro-F1 is 1.1 points higher" in page
    assert "differ by 0.6 points on average" in page
    for words in ("Smudge cells are called Early.", "One source.", "Accuracy"):
        assert (words in page) is (words != "Accuracy"), "columns that nothing was measured for are left out"


def test_the_refer_rule_is_said_in_words(show: Show) -> None:
    active_model(2, refer_rule=REFER_RULE, **ESTIMATES)
    page = show()
    assert "Unlike the training photographs The outlier score is above 3;" in page
    assert "The leading class has a probability below 60 %, or no class fits." in page
    assert "at 99 %: of the photographs of any one class" in page
    assert "Benign 0.300 Early 0.150" in page


def test_the_gate_is_shown_criterion_by_criterion_in_words_as_well(show: Show) -> None:
    register_version("leukemia_vgg16", model_card(2, **ESTIMATES), activate=False, gate=GATE)
    register_version(
        "leukemia_vgg16",
        model_card(2, **ESTIMATES),
        activate=True,
        gate=GATE,
        despite_gate="A trial.",
    )
    page = show()
    assert "Used although it has not passed its gate. A trial." in page
    assert "Gate not passed" in page
    assert "Macro-F1 at least 0.995 0.9906 no Calibration error at most 0.015 0.006 yes" in page
    assert "Measured on 2026-11-23 with commit 0123456789ab" in page
    assert "Put into use. Used although it has not passed its gate: A trial." in page
    assert page.index("Put into use.") < page.index("Registered. "), "the newest comes first"


def test_the_card_of_version_1_still_shows(show: Show) -> None:
    active_model(1, **CARD_OF_VERSION_1)
    page = show()
    assert "Validation part: contiguous blocks of file numbers" in page
    assert "This model 0.996 0.998 0.989 0.996 0.001" in page
    assert "Nine colour statistics, which see no cell 0.973" in page
    assert "No intervals were computed for this version" in page
    assert "delivered before a gate was required" in page
    assert "No class has a probability of at least one half." in page
    assert "One data set from one source" in page
    assert "Photographs used 2,765 of 3,256" in page
    assert "True class, called: Benign Early Benign 88 1 Early 0 167" in page


def test_every_registered_version_has_a_page(show: Show, client: Client) -> None:
    active_model(1)
    active_model(2)
    register_version("leukemia_vgg16_int8", model_card(2), activate=True)
    page = show(reverse("models:version", args=["leukemia_vgg16", 1]))
    assert "version 1 Not in use" in page
    assert "Registered. Put into use." in page
    assert "Taken out of use." in page
    assert "leukemia_vgg16_int8 v2" in page
    assert (
        "Not in use"
        in show(reverse("models:version", args=["leukemia_vgg16_int8", 2])).split("Intended use")[0]
    )
    assert client.get(reverse("models:version", args=["leukemia_vgg16", 7])).status_code == 404


def test_without_a_model_the_page_says_so(show: Show) -> None:
    assert "No model is registered" in show()


def test_a_card_that_says_little_still_shows(show: Show) -> None:
    active_model(2, estimates=[], known_failures=[])
    assert not CardPage(ModelVersion.objects.get()).parts
    assert "It has not been measured" not in show()


def test_figures_are_rounded_and_never_to_a_certainty() -> None:
    shown = [figure(value) for value in (0.9957, 0.9997, 0.99997, 1.0, None)]
    assert shown == ["0.996", "0.9997", "> 0.9999", "1.000", "–"]
    assert [as_measured(value) for value in (0.99989, 0.99997, 1.0)] == ["0.9999", "> 0.9999", "1"]
    assert interval({"value": 0.99, "low": 0.9849, "high": 0.9996}) == "(0.985–1.000)"
    assert interval({"value": 0.99, "low": None, "high": None}) == interval(None) == ""
    assert (level_percent(0.99), level_percent(0.995), points(0.01149)) == ("99 %", "99.5 %", "1.1")
    assert [as_measured(value) for value in (0.99061, 3, "2 of 2", None)] == ["0.9906", "3", "2 of 2", "–"]
