import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from curriculum import Experiment, UsageError
from curriculum.config import deserialize, load_experiment, load_module, serialize


@pytest.mark.parametrize("name", ["lstm_firstbit", "rnn_firstbit:hard", "gru_firstbit"])
def test_an_experiment_goes_through_json_and_back(name: str) -> None:
    experiment, _ = load_experiment(name)
    assert deserialize(json.loads(json.dumps(serialize(experiment)))) == experiment


@pytest.mark.parametrize(
    "type_name", ["os:system", "subprocess:Popen", "builtins:eval", "nowhere:Thing"]
)
def test_what_a_description_names_is_not_run(tiny: Experiment, type_name: str) -> None:
    described = serialize(tiny)
    described["task"] = {"type": type_name}
    with pytest.raises(UsageError, match="code is only run from a file that you name"):
        deserialize(described)


@pytest.mark.parametrize(
    "type_name",
    [
        "antigravity:fly",
        "curriculumx:Thing",
        "tasks:FirstBit",
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
    described = serialize(tiny)
    described["task"] = {"type": type_name}
    before = set(sys.modules)
    with pytest.raises(UsageError, match="code is only run from a file that you name"):
        deserialize(described)
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda described: described.pop("type"),
        lambda described: described.update(type=3),
        lambda described: described.update(type=["curriculum.tasks:FirstBit"]),
        lambda described: described.update(task=None),
        lambda described: described.update(task={}),
        lambda described: described.update(growth=[[[]]]),
        lambda described: described["growth"].update(start=3),
        lambda described: described["growth"].update(factor="x"),
        lambda described: described["growth"].update(factor={"type": "curriculum.tasks:FirstBit"}),
        lambda described: described["optimizer"].update(learning_rate=[1, 2]),
        lambda described: described["criterion"].update(threshold=None),
        lambda described: described["budget"].update(steps_per_stage="many"),
        lambda described: described.update(task=described["model"]),
        lambda described: described.update(name=7),
        lambda described: described.update(task=nested(900)),
    ],
)
def test_a_description_of_no_experiment_is_refused_in_one_sentence(
    tiny: Experiment, change: Callable[[Any], object]
) -> None:
    described = json.loads(json.dumps(serialize(tiny)))
    change(described)
    with pytest.raises(UsageError) as caught:
        deserialize(described)
    assert "\n" not in str(caught.value)


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize(
    "type_name",
    [
        "curriculum.runner.loop:CurriculumLoop",
        "curriculum.cli.main:main",
        "curriculum:run",
        "curriculum.plan.stage:dataclass",
        "curriculum.tasks:nothing",
        "curriculum.nowhere:Thing",
        "curriculum.:Thing",
        "curriculum.tasks..first_bit:FirstBit",
        "curriculum.tasks. os:x",
    ],
)
def test_only_settings_classes_are_rebuilt(tiny: Experiment, type_name: str) -> None:
    described = serialize(tiny)
    described["task"] = {"type": type_name}
    with pytest.raises(UsageError, match="there is no settings class"):
        deserialize(described)


def test_a_users_classes_come_from_the_file_that_the_caller_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "from curriculum import Experiment, Explicit, Mastery\n"
        "from curriculum.models import Recurrent\n"
        "from curriculum.tasks import FirstBit\n"
        "@dataclass(frozen=True)\n"
        "class Mine(FirstBit):\n"
        "    extra: int = 3\n"
        "experiment = Experiment(task=Mine(extra=4), model=Recurrent(),\n"
        "    growth=Explicit(lengths=(2,)), criterion=Mastery(threshold=1.0))\n"
    )
    experiment, _ = load_experiment(str(path))
    described = json.loads(json.dumps(serialize(experiment)))
    with pytest.raises(UsageError, match="--source PATH"):
        deserialize(described)
    again = deserialize(described, load_module(path))
    assert again.task.extra == 4  # type: ignore[attr-defined]


def test_a_changed_class_is_one_sentence(tiny: Experiment) -> None:
    described = serialize(tiny)
    described["task"]["gone"] = 3
    with pytest.raises(UsageError, match="FirstBit has changed since the run"):
        deserialize(described)


def test_settings_that_json_cannot_hold_are_errors() -> None:
    @dataclass
    class Odd:
        value: object

    with pytest.raises(UsageError, match="dataclasses, numbers, strings"):
        serialize(Odd(value=object()))
