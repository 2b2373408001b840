"""Sends a process the signal of Ctrl-C when it is time."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupted_once(is_time: Callable[[], bool]) -> Iterator[None]:
    """A context in which this process gets the signal of Ctrl-C, as soon as it is time.

    Where that can't be found out, or takes two minutes, it comes all the same: without it what is to be
    interrupted might never end. Nothing is sent once the context is left.
    """
    over, end = threading.Event(), time.monotonic() + 120

    def interrupt() -> None:
        try:
            while not (over.is_set() or is_time() or time.monotonic() > end):
                time.sleep(0.02)
        finally:
            main_thread = threading.main_thread().ident
            assert main_thread is not None
            if not over.is_set():
                signal.pthread_kill(main_thread, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
