"""The processes that copy outlive whoever started them, without a warning."""

import gc
import sys
import warnings
from pathlib import Path

import pytest

from curriculum.tracking import mirror_process, start_mirror, start_sweep_mirror


def test_a_mirror_that_nobody_keeps_goes_on_and_is_forgotten_when_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = tmp_path / "released"
    code = f"import os, time\nwhile not os.path.exists({str(released)!r}): time.sleep(0.01)"
    monkeypatch.setattr(mirror_process, "python_command", lambda *_: [sys.executable, "-c", code])
    monkeypatch.setattr(mirror_process, "_started", [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pytest raises what is ignored in a finalizer
        start_mirror(tmp_path, "run", {})
        start_sweep_mirror(tmp_path, tmp_path / "runs", {})
        gc.collect()
    first, second = mirror_process._started
    assert first.poll() is None
    released.touch()
    assert (first.wait(), second.wait()) == (0, 0)
    third = start_mirror(tmp_path, "run", {})
    assert mirror_process._started == [third]
    third.wait()
