"""Memory that runs out: a sentence with what to lower, and the run can be resumed."""

import errno
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from interrupted_runs import (
    events,
)

import curriculum
from curriculum import Batch, Experiment, RunFailed, Stage
from curriculum.record import History, Store
from curriculum.tasks import FirstBit


@dataclass(frozen=True)
class Greedy(FirstBit):
    """First bit that needs more memory than there is, at length 3, until it is given more."""

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        if stage.length == 3 and "ENOUGH_MEMORY" not in os.environ:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80 GiB.\nAnd so on")
        return FirstBit.sample(self, rng, stage, batch_size)


def test_a_run_that_lacks_memory_says_what_to_lower_and_can_be_resumed(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    greedy = tiny.replace(task=Greedy())
    with pytest.raises(RunFailed, match=r"length 3.*80 GiB.*training.batch_size \(32\)") as caught:
        curriculum.run(greedy, store=tmp_path / "a", mirror=False)
    assert "--training.batch-size 16" in str(caught.value)
    assert "\n" not in str(caught.value)
    folder = Store(tmp_path / "a").find("last")
    assert History.of(folder).status() == "failed"
    monkeypatch.setenv("ENOUGH_MEMORY", "1")
    result = curriculum.resume("last", store=tmp_path / "a", mirror=False, source=Path(__file__))
    assert result.status == "reached"
    whole = curriculum.run(tiny, store=tmp_path / "b", mirror=False)
    assert result.weights_sha256 == whole.weights_sha256
    one, other = (Store(tmp_path / name).find("last") for name in ("a", "b"))
    assert events(one) == events(other)


LIMITED = """
import resource, sys
import torch
import curriculum.tracking
from curriculum.cli.main import main
curriculum.tracking.start_mirror = lambda *_: None
torch.set_num_threads(1)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30),) * 2)
sys.exit(main(["run", "gru_firstbit", "--store", sys.argv[1], "--threads", "1",
    "--tuning.mode", "off", "--training.batch-size", "60000", "--growth.start", "400"]))
"""


@pytest.mark.slow
def test_a_processor_that_lacks_memory_ends_the_command_with_a_sentence(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    message = ended.stderr.splitlines()[-1]
    assert message.startswith("curriculum: memory ran out on length 400")
    assert "--training.batch-size 30000" in message


def test_a_run_whose_mirror_the_system_does_not_start_is_made_without_it(
    tiny: Experiment,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("curriculum.tracking.start_mirror", refuse)
    result = curriculum.run(tiny, store=store, wait=True)
    assert result.status == "reached"
    (message,) = caplog.messages
    assert "can't be started (Resource temporarily unavailable)" in message
    assert f"'sync {result.run_id}' copies it" in message
