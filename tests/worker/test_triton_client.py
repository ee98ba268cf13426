"""The Triton client against a server that hangs, refuses, restarts or answers nonsense."""

import os
import threading
from time import monotonic

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_django.fixtures import Settings

from smear.contract import Answer
from tests.worker.staged_triton import Staged, free_port, serving
from worker.triton import TritonClient, TritonRejected, TritonUnavailable, triton

IMAGES = np.zeros((2, 3, 224, 224), dtype=np.uint8)


def ask(url: str, *, deadline: float = 5.0, retry_for: float = 0.0) -> tuple[Answer, ...]:
    client = TritonClient(url, deadline=deadline)
    try:
        return client.infer("leukemia_vgg16", "3", IMAGES, retry_for=retry_for)
    finally:
        client.close()


def test_answers_come_in_the_order_of_the_photographs() -> None:
    staged = Staged()
    with serving(staged) as url:
        answers = ask(url)
    assert [answer.outlier_score for answer in answers] == [0.0, 1.0]
    assert answers[0].probabilities.tolist() == pytest.approx([0.7, 0.1, 0.1, 0.1])
    assert answers[0].activation_map.shape == (4, 14, 14)
    assert answers[0].embedding.shape == (512,)


def test_the_version_and_a_time_limit_go_with_every_request() -> None:
    staged = Staged()
    with serving(staged) as url:
        ask(url, deadline=4.0)
    assert staged.seen == [("leukemia_vgg16", "3", (2, 3, 224, 224), 4_000_000)]


def test_a_server_that_hangs_costs_no_more_than_the_deadline() -> None:
    with serving(Staged(hang=True)) as url:
        started = monotonic()
        with pytest.raises(TritonUnavailable, match=r"did not answer within 0\.5 s"):
            ask(url, deadline=0.5)
        assert monotonic() - started < 10


def test_a_server_that_hangs_uses_up_the_retry_time_and_no_more() -> None:
    with serving(Staged(hang=True)) as url:
        started = monotonic()
        with pytest.raises(TritonUnavailable):
            ask(url, deadline=0.4, retry_for=1.5)
        assert monotonic() - started < 10


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN]
)
def test_a_passing_failure_is_tried_again(code: grpc.StatusCode) -> None:
    staged = Staged(failures=[code, code])
    with serving(staged) as url:
        assert len(ask(url, retry_for=10)) == 2
    assert len(staged.seen) == 3


def test_a_refusal_is_not_tried_again() -> None:
    staged = Staged(failures=[grpc.StatusCode.INVALID_ARGUMENT] * 5)
    with serving(staged) as url, pytest.raises(TritonRejected, match="staged"):
        ask(url, retry_for=10)
    assert len(staged.seen) == 1


def test_no_server_says_so_within_the_time_for_it() -> None:
    url = f"127.0.0.1:{free_port()}"
    started = monotonic()
    with pytest.raises(TritonUnavailable, match=url):
        ask(url, retry_for=1)
    assert monotonic() - started < 10


def test_a_server_that_comes_back_is_used_again() -> None:
    port = free_port()
    client = TritonClient(f"127.0.0.1:{port}", deadline=5)
    come_back = threading.Event()

    def restart() -> None:
        come_back.wait(5)
        with serving(Staged(), f"127.0.0.1:{port}"):
            stop.wait(20)

    stop = threading.Event()
    server = threading.Thread(target=restart)
    server.start()
    try:
        with pytest.raises(TritonUnavailable):
            client.infer("leukemia_vgg16", "1", IMAGES, retry_for=2)
        come_back.set()
        assert client.infer("leukemia_vgg16", "1", IMAGES, retry_for=10)
    finally:
        come_back.set()
        stop.set()
        client.close()
        server.join()


@pytest.mark.parametrize(
    ("name", "array", "complaint"),
    [
        ("PROBABILITIES", np.full((2, 4), 0.5, dtype=np.float32), "do not add up"),
        ("PROBABILITIES", np.full((2, 3), 1 / 3, dtype=np.float32), "PROBABILITIES came as"),
        ("EMBEDDING", np.full((2, 512), np.nan, dtype=np.float32), "EMBEDDING holds values"),
    ],
)
def test_nonsense_is_refused(name: str, array: NDArray[np.float32], complaint: str) -> None:
    with serving(Staged(replace={name: array})) as url, pytest.raises(TritonRejected, match=complaint):
        ask(url, retry_for=10)


def test_an_answer_larger_than_grpcs_own_limit_still_arrives() -> None:
    """gRPC's default is 4 MiB; any channel argument of ours drops the limits that the client library sets."""
    large = np.zeros((2, 4, 400, 400), dtype=np.float32)
    arrived = r"ACTIVATION_MAP came as float32 \[2, 4, 400, 400\]"
    with (
        serving(Staged(replace={"ACTIVATION_MAP": large})) as url,
        pytest.raises(TritonRejected, match=arrived),
    ):
        ask(url)


def test_a_forked_process_opens_its_own_connection(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Staged()) as url:
        settings.TRITON_GRPC_URL = url
        mine = triton()
        assert triton() is mine
        pid = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: pid + 1)
        other = triton()
        assert other is not mine
        mine.close()
        other.close()
