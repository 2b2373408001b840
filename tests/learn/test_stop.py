import os
import signal
import threading
from collections.abc import Iterator

import pytest

from curriculum import StopRequest
from curriculum.learn import Stopped


@pytest.fixture(autouse=True)
def _restored_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        assert signal.getsignal(number) == handler
        signal.signal(number, handler)


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_nothing_stops_without_a_request() -> None:
    stop = StopRequest()
    stop.check()
    assert not stop.requested
    stop.request()
    assert stop.requested
    with pytest.raises(Stopped, match="stop requested"):
        stop.check()


def test_any_thread_may_request_a_stop() -> None:
    stop = StopRequest()
    thread = threading.Thread(target=stop.request)
    thread.start()
    thread.join()
    with pytest.raises(Stopped):
        stop.check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_request_while_listening(number: signal.Signals) -> None:
    stop = StopRequest(signal.SIGINT, signal.SIGTERM)
    with stop.listening():
        send(number)
        assert stop.requested
        assert stop.signal == number
        assert stop.reason == number.name
        with pytest.raises(Stopped, match=number.name):
            stop.check()


def test_a_second_interrupt_raises_at_once() -> None:
    stop = StopRequest(signal.SIGINT)
    with stop.listening():
        send(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


def test_a_second_terminate_is_one_request() -> None:
    stop = StopRequest(signal.SIGINT, signal.SIGTERM)
    with stop.listening():
        send(signal.SIGTERM)
        send(signal.SIGTERM)
    assert stop.signal == signal.SIGTERM


def test_an_interrupt_after_a_terminate_raises_at_once() -> None:
    stop = StopRequest(signal.SIGINT, signal.SIGTERM)
    with stop.listening():
        send(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


def test_other_signals_are_left_alone() -> None:
    stop = StopRequest(signal.SIGTERM)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # else ignored in background
    try:
        with stop.listening(), pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not stop.requested


def test_handlers_are_restored_after_an_error() -> None:
    def handler(number: int, frame: object) -> None:
        received.append(number)

    def fail() -> None:
        with StopRequest(signal.SIGTERM).listening():
            send(signal.SIGTERM)
            raise ZeroDivisionError

    received: list[int] = []
    before = signal.signal(signal.SIGTERM, handler)
    try:
        with pytest.raises(ZeroDivisionError):
            fail()
        assert received == []
        send(signal.SIGTERM)
        assert received == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    handler, seen = signal.getsignal(signal.SIGINT), []

    def listen() -> None:
        with StopRequest(signal.SIGINT).listening():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [handler]
