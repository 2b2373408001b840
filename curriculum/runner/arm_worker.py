"""A process that trains arms of a portfolio for another: `python -m curriculum.runner.arm_worker DESCRIPTOR`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from curriculum import record
from curriculum.config import deserialize, load_module
from curriculum.learn import Stopped, StopRequest, configure_threads, resolve_device
from curriculum.processes import Content, Reply, serve
from curriculum.runner.arm_run import ArmRun
from curriculum.tune import RunSetup

Blobs = Sequence[bytes]
Progress = Callable[[Content], None]


class ArmWorker:
    """Holds some arms of a run, and answers requests about them; asked to end, it saves them first."""

    def __init__(self) -> None:
        self._arms: dict[str, ArmRun] = {}
        self._stop = StopRequest()
        self._works = False
        signal.signal(signal.SIGTERM, self._terminated)

    def open(self, content: Content, _: Blobs, __: Progress) -> Reply:
        """Make an arm ready. The reply is empty."""
        source = content["source"]
        module = None if source is None else load_module(Path(source))
        configure_threads(content["threads"], flush_denormal=content["flush_denormal"])
        setup = RunSetup(
            experiment=deserialize(content["experiment"], module),
            seed=content["seed"],
            device=resolve_device(content["device"]),
            stop=self._stop,
        )
        self._arms[content["arm"]] = ArmRun(
            content["arm"],
            record.RunFolder(Path(content["folder"])),
            setup,
            checkpoints=record.CheckpointPolicy(every=content["every"], keep=content["keep"]),
            wait_seconds=content["wait_seconds"],
        )
        return {}, ()

    def advance(self, content: Content, _: Blobs, __: Progress) -> Reply:
        """Train an arm to its next evaluation, and reply with that; or that it was stopped."""
        self._works = True
        try:
            event = self._arms[content["arm"]].advance()
        except Stopped:
            self._save()
            return {"stopped": True}, ()
        finally:
            self._works = False
        if self._stop.requested:
            self._save()
        return {"event": record.encode(event)}, ()

    def end(self, content: Content, _: Blobs, __: Progress) -> Reply:
        """End an arm as it was at an evaluation, and reply with the seconds that it took."""
        arm = self._arms[content["arm"]]
        return {"seconds": arm.end(content["why"], content["evaluations"])}, ()

    def _terminated(self, number: int, _: FrameType | None) -> None:
        """Save at once, or as soon as an arm can be."""
        self._stop.request(number)
        if not self._works:
            self._save()

    def _save(self) -> None:
        for arm in self._arms.values():
            arm.save()


if __name__ == "__main__":
    worker = ArmWorker()
    serve(sys.argv[1:], {each.__name__: each for each in (worker.open, worker.advance, worker.end)})
