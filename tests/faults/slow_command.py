"""The command line without a mirror, and slowed down: a run does not end before a signal comes."""

import time
from typing import Any

import curriculum.tracking
from curriculum.cli.main import program
from curriculum.record import Recorder

SECONDS = 0.1

if __name__ == "__main__":
    evaluated = Recorder.evaluated

    def evaluated_slowly(*arguments: Any) -> None:
        evaluated(*arguments)
        time.sleep(SECONDS)

    Recorder.evaluated = evaluated_slowly  # type: ignore[method-assign, assignment]
    curriculum.tracking.start_mirror = lambda *_: None  # type: ignore[assignment]
    program()
