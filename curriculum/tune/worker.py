"""A process that trains trials for another: `python -m curriculum.tune.worker DESCRIPTOR`."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from curriculum.config import deserialize, load_module
from curriculum.learn import configure_threads, resolve_device
from curriculum.processes import Content, Reply, serve
from curriculum.record import PackedSnapshot, encode, pack, unpack
from curriculum.tune.executor import InProcessExecutor
from curriculum.tune.run_setup import RunSetup

Blobs = Sequence[bytes]
Progress = Callable[[Content], None]


class TrialWorker:
    """Holds some trials of a round, and answers requests about them."""

    def __init__(self) -> None:
        self._executor: InProcessExecutor
        self._evaluations: dict[int, int] = {}

    def open(self, content: Content, _: Blobs, __: Progress) -> Reply:
        """Learn what is run. The reply is empty."""
        source = content["source"]
        module = None if source is None else load_module(Path(source))
        self._experiment = deserialize(content["experiment"], module)
        device = resolve_device(content["device"])
        self._executor = InProcessExecutor(
            RunSetup(experiment=self._experiment, seed=content["seed"], device=device)
        )
        configure_threads(content["threads"], flush_denormal=content["flush_denormal"])
        return {}, ()

    def start_round(self, content: Content, blobs: Blobs, _: Progress) -> Reply:
        """Start a round of trials, which takes the place of the last. The reply is empty."""
        parent = unpack(PackedSnapshot.from_bytes(blobs), self._experiment.recipe)
        scheduler = self._experiment.scheduler()
        scheduler.load_state_dict(content["scheduler"])
        trials = {int(number): settings for number, settings in content["trials"].items()}
        self._executor.start_round(trials, parent, scheduler)
        self._evaluations = dict.fromkeys(trials, 0)
        return {}, ()

    def advance(self, content: Content, _: Blobs, __: Progress) -> Reply:
        """Advance a trial, and reply with its report."""
        number = content["trial"]
        report = self._executor.advance(number, keep=True)
        self._evaluations[number] += 1
        return {"report": encode(report)}, ()

    def learner(self, content: Content, _: Blobs, __: Progress) -> Reply:
        """Reply with a trial's learner as it was at its evaluation of that number."""
        number = content["trial"]
        if self._evaluations[number] == content["evaluation"]:
            snapshot = self._executor.learner(number).snapshot()
        else:
            snapshot = self._executor.before(number)
        return {}, pack(snapshot, self._experiment.recipe).to_bytes()


if __name__ == "__main__":
    worker = TrialWorker()
    requests = (worker.open, worker.start_round, worker.advance, worker.learner)
    serve(sys.argv[1:], {request.__name__: request for request in requests})
