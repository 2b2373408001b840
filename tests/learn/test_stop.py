import os
import signal
import threading
from collections.abc import Iterator

import pytest

from curriculum import Stop
from curriculum.learn.stop import Stopped


@pytest.fixture(autouse=True)
def _handlers_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        assert signal.getsignal(number) == handler
        signal.signal(number, handler)


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_nothing_stops_until_it_is_asked_to() -> None:
    stop = Stop()
    stop.check()
    assert not stop.requested
    stop.request()
    assert stop.requested
    with pytest.raises(Stopped, match="it was asked to"):
        stop.check()


def test_any_thread_may_ask() -> None:
    stop = Stop()
    thread = threading.Thread(target=stop.request)
    thread.start()
    thread.join()
    with pytest.raises(Stopped):
        stop.check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_request_while_it_listens(number: signal.Signals) -> None:
    stop = Stop(signal.SIGINT, signal.SIGTERM)
    with stop.listening():
        send(number)
        assert stop.requested
        assert stop.signal == number
        assert stop.reason == number.name
        with pytest.raises(Stopped, match=number.name):
            stop.check()


def test_a_second_interrupt_does_not_wait() -> None:
    stop = Stop(signal.SIGINT)
    with stop.listening():
        send(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


def test_a_second_terminate_is_one_request() -> None:
    stop = Stop(signal.SIGINT, signal.SIGTERM)
    with stop.listening():
        send(signal.SIGTERM)
        send(signal.SIGTERM)
    assert stop.signal == signal.SIGTERM


def test_an_interrupt_after_a_terminate_does_not_wait() -> None:
    stop = Stop(signal.SIGINT, signal.SIGTERM)
    with stop.listening():
        send(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


def test_signals_that_are_not_its_own_are_left_alone() -> None:
    stop = Stop(signal.SIGTERM)
    with stop.listening(), pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)
    assert not stop.requested


def test_handlers_come_back_whatever_happens() -> None:
    def handler(number: int, frame: object) -> None:
        heard.append(number)

    def fail() -> None:
        with Stop(signal.SIGTERM).listening():
            send(signal.SIGTERM)
            raise ZeroDivisionError

    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, handler)
    try:
        with pytest.raises(ZeroDivisionError):
            fail()
        assert heard == []
        send(signal.SIGTERM)
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_beside_the_main_thread_signals_are_left_alone() -> None:
    handler, seen = signal.getsignal(signal.SIGINT), []

    def listen() -> None:
        with Stop(signal.SIGINT).listening():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [handler]
