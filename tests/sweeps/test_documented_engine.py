"""The engine that the documentation shows: it carries jobs out through a submitit that runs them at once."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import curriculum
from curriculum import Experiment
from curriculum.config import serialize
from curriculum.sweeps import Job, JobEnded, JobLost

PAGE = Path(__file__).parents[2] / "docs" / "sweeps.md"


class Executor:
    """Runs what is submitted at once; the first of all is lost."""

    submitted = 0

    def __init__(self, folder: str) -> None: ...

    def update_parameters(self, **parameters: object) -> None: ...

    def submit(self, function: Callable[[Job], Any], job: Job) -> Any:
        Executor.submitted += 1
        lost = RuntimeError("the node is gone") if Executor.submitted == 1 else None
        result = None if lost else function(job)
        return SimpleNamespace(
            done=lambda: True,
            exception=lambda: lost,
            result=lambda: result,
            cancel=lambda: None,
        )


def test_it_makes_runs_and_reports_those_that_are_lost(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("submitit")
    vars(module)["AutoExecutor"] = Executor
    monkeypatch.setitem(sys.modules, "submitit", module)
    given: dict[str, Any] = {}
    monkeypatch.setattr(curriculum, "sweep", lambda *_, **settings: given.update(settings))
    (code,) = [
        c
        for c in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
        if "submitit" in c
    ]
    exec(code, {})
    job = Job(run_id="abc", experiment=json.dumps(serialize(tiny)), seed=0, store=store)
    with given["engine"] as engine:
        engine.submit(job)
        assert engine.next(0) == JobLost(run_id="abc", reason="the node is gone")
        engine.submit(job)
        ended = engine.next(0)
        assert engine.next(0) is None
    assert isinstance(ended, JobEnded)
    assert (ended.status, ended.reach) == ("reached", "length 5")
