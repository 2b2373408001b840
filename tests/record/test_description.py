import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from curriculum import Experiment, UsageError
from curriculum.catalogue import load_experiment, load_module
from curriculum.record.description import describe, environment, git_commit, rebuild


@pytest.mark.parametrize("name", ["lstm_firstbit", "rnn_firstbit:hard", "gru_firstbit"])
def test_an_experiment_goes_through_json_and_back(name: str) -> None:
    experiment, _ = load_experiment(name)
    assert rebuild(json.loads(json.dumps(describe(experiment)))) == experiment


@pytest.mark.parametrize(
    "type_name", ["os:system", "subprocess:Popen", "builtins:eval", "nowhere:Thing"]
)
def test_what_a_file_names_is_not_run(tiny: Experiment, type_name: str) -> None:
    described = describe(tiny)
    described["task"] = {"type": type_name}
    with pytest.raises(UsageError, match="code is only run from a file that you name"):
        rebuild(described)


@pytest.mark.parametrize(
    "type_name",
    [
        "antigravity:fly",
        "curriculumx:Thing",
        "tasks_of_mine:Thing",
        ".curriculum:Thing",
        "curriculum/../this:Thing",
        "this:Thing",
        "__main__:Thing",
        "",
        ":",
    ],
)
def test_a_class_lookup_imports_nothing_but_ours(tiny: Experiment, type_name: str) -> None:
    described = describe(tiny)
    described["task"] = {"type": type_name}
    before = set(sys.modules)
    with pytest.raises(UsageError, match="code is only run from a file that you name"):
        rebuild(described)
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    "type_name",
    ["curriculum.nowhere:Thing", "curriculum.:Thing", "tasks..first_bit:FirstBit", "tasks. os:x"],
)
def test_a_module_that_is_not_there_is_a_sentence(tiny: Experiment, type_name: str) -> None:
    described = describe(tiny)
    described["task"] = {"type": type_name}
    with pytest.raises(UsageError, match="there is no settings class"):
        rebuild(described)


@pytest.mark.parametrize(
    "change",
    [
        lambda described: described.pop("type"),
        lambda described: described.update(type=3),
        lambda described: described.update(type=["tasks:FirstBit"]),
        lambda described: described.update(task=None),
        lambda described: described.update(task={}),
        lambda described: described.update(growth=[[[]]]),
        lambda described: described["growth"].update(start=3),
        lambda described: described["growth"].update(factor="x"),
        lambda described: described["growth"].update(factor={"type": "tasks:FirstBit"}),
        lambda described: described["optimizer"].update(learning_rate=[1, 2]),
        lambda described: described["criterion"].update(threshold=None),
        lambda described: described["budget"].update(steps_per_stage="many"),
        lambda described: described.update(task=described["model"]),
        lambda described: described.update(name=7),
        lambda described: described.update(task=nested(900)),
    ],
)
def test_what_describes_no_experiment_is_a_sentence(
    tiny: Experiment, change: Callable[[Any], object]
) -> None:
    described = json.loads(json.dumps(describe(tiny)))
    change(described)
    with pytest.raises(UsageError) as caught:
        rebuild(described)
    assert "\n" not in str(caught.value)


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize(
    "type_name",
    [
        "curriculum.loop:Walk",
        "curriculum.cli:main",
        "curriculum:run",
        "curriculum.plan.stage:dataclass",
        "tasks:nothing",
    ],
)
def test_only_settings_classes_are_rebuilt(tiny: Experiment, type_name: str) -> None:
    described = describe(tiny)
    described["task"] = {"type": type_name}
    with pytest.raises(UsageError, match="no settings class"):
        rebuild(described)


def test_a_users_classes_come_from_the_file_that_the_caller_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "from curriculum import Experiment, Explicit, Mastery\n"
        "from curriculum.models import Recurrent\n"
        "from tasks import FirstBit\n"
        "@dataclass(frozen=True)\n"
        "class Mine(FirstBit):\n"
        "    extra: int = 3\n"
        "experiment = Experiment(task=Mine(extra=4), model=Recurrent(),\n"
        "    growth=Explicit(lengths=(2,)), criterion=Mastery(threshold=1.0))\n"
    )
    experiment, _ = load_experiment(str(path))
    described = json.loads(json.dumps(describe(experiment)))
    with pytest.raises(UsageError, match="--source PATH"):
        rebuild(described)
    again = rebuild(described, load_module(path))
    assert again.task.extra == 4  # type: ignore[attr-defined]


def test_a_class_that_has_changed_is_a_sentence(tiny: Experiment) -> None:
    described = describe(tiny)
    described["task"]["gone"] = 3
    with pytest.raises(UsageError, match="FirstBit has changed since the run"):
        rebuild(described)


def test_settings_that_json_cannot_hold_are_errors() -> None:
    @dataclass
    class Odd:
        value: object

    with pytest.raises(UsageError, match="dataclasses, numbers, strings"):
        describe(Odd(value=object()))


def test_the_circumstances_are_named(tmp_path: Path) -> None:
    assert {"python", "torch", "mlflow", "numpy"} <= set(environment())
    assert git_commit(tmp_path) is None
