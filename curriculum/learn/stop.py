"""Asks a run to stop between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(Exception):
    """A stop was requested, and the run has come to a point where it can."""


class StopRequest:
    """Whether a stop was requested, and by which signal.

    Any thread may `request` it, and so do the signals given while it is `listening`; the
    run finishes its step first.
    """

    def __init__(self, *signals: int) -> None:
        self.signals = signals
        self.requested = False
        self.signal: int | None = None

    def request(self, number: int | None = None) -> None:
        """Ask for it; `number` is that of the signal that did."""
        self.signal = number
        self.requested = True

    def check(self) -> None:
        """Stop now, if it was requested.

        Raises:
            Stopped: if so.
        """
        if self.requested:
            raise Stopped(self.reason)

    @property
    def reason(self) -> str:
        """What requested it, in words."""
        return "stop requested" if self.signal is None else signal.Signals(self.signal).name

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals as requests, inside the block.

        A second SIGINT raises KeyboardInterrupt at once. Outside of the main thread,
        where Python takes no signals, this does nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._received) for number in self.signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _received(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        self.request(number)
