"""How long people and instruments wait: from the upload to the prediction they are shown."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from benchmarks.report import spread
from tests.live import wait_for
from tests.portal_client import Api, Browser, draw_photograph

#: Seconds; what Hemalens wants to stay below on two otherwise idle cores.
ONE_PHOTOGRAPH, SIXTEEN_PHOTOGRAPHS = 1.5, 10.0
CASES, EACH = 4, 4
ROUNDS = 3
#: Seconds: the longest wait for an answer, and between two looks for it.
TIMEOUT, POLL = 120.0, 0.05


def measure(api: Api, browser: Browser, repeat: int) -> list[dict[str, Any]]:
    """Rows for one photograph as a case, one as a quick look, and sixteen in four cases."""
    drawn = [draw_photograph(number) for number in range(max(repeat, CASES * EACH))]
    _one_case(api, drawn[:1])  # the first request of a web process imports its pages
    _quick_look(browser, drawn[0])
    cases = [_one_case(api, [photograph]) for photograph in drawn[:repeat]]
    looks = [_quick_look(browser, photograph) for photograph in drawn[:repeat]]
    many = [_four_cases(api, drawn[: CASES * EACH]) for _ in range(ROUNDS)]
    return [
        spread("one photograph: new case, upload, submit, prediction", cases, ONE_PHOTOGRAPH),
        spread("one photograph: quick look", looks, ONE_PHOTOGRAPH),
        spread("sixteen photographs in four cases: uploads to last prediction", many, SIXTEEN_PHOTOGRAPHS),
    ]


def photographs(repeat: int) -> int:
    """How many photographs ``measure`` sends."""
    return 2 * (1 + repeat) + ROUNDS * CASES * EACH


def _one_case(api: Api, photographs: list[bytes]) -> float:
    began = perf_counter()
    case_id = api.file_case(photographs)
    api.submit(case_id)
    wait_predicted(api, case_id)
    return perf_counter() - began


def _four_cases(api: Api, photographs: list[bytes]) -> float:
    began = perf_counter()
    case_ids = [
        api.file_case(photographs[start : start + EACH]) for start in range(0, len(photographs), EACH)
    ]
    for case_id in case_ids:
        api.submit(case_id)
    for case_id in case_ids:
        wait_predicted(api, case_id)
    return perf_counter() - began


def _quick_look(browser: Browser, photograph: bytes) -> float:
    began = perf_counter()
    url = browser.start_quick_look(photograph)
    answer = wait_for(lambda: browser.quick_look_answer(url), "the quick look's answer", TIMEOUT, pause=POLL)
    if "Benign" not in answer:
        raise RuntimeError(f"the quick look was not answered: {answer[:500]}")
    return perf_counter() - began


def wait_predicted(api: Api, case_id: str) -> None:
    """Wait until each photograph of a case has its prediction. Raises RuntimeError where there will be none."""

    def predicted() -> bool:
        case = api.case(case_id)
        if case["no_preclassification_reason"]:
            raise RuntimeError(f"no prediction: {case['no_preclassification_reason']}")
        return all(image["prediction"] for image in case["images"])

    wait_for(predicted, f"the predictions of case {case_id}", TIMEOUT, pause=POLL)
