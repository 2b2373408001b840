import re
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from curriculum import AfterInput, Experiment, tasks
from curriculum.cli.main import main
from curriculum.config import (
    Setting,
    SettingGroup,
    describe_settings,
    list_experiments,
    load_experiment,
)
from curriculum.config.overrides import KINDS

OF_KINDS = [(part, kind) for part, kinds in KINDS.items() for kind in kinds]
UNDESCRIBED = re.compile(r"(^|:)\s*(:|\(default: |$)")
"""A description, or a part of one, without a word before the default."""


def options_of(experiment: Experiment, overrides: Sequence[str] = ()) -> set[str]:
    groups = describe_settings(experiment, overrides)
    return {option for group in groups for each in group.settings for option in each.options}


def undescribed(groups: Iterable[SettingGroup]) -> list[str]:
    """The groups and the options that have no description."""
    found = []
    for group in groups:
        if group.name != "experiment" and UNDESCRIBED.search(group.description):
            found.append(group.name)
        found += [s.options[0] for s in group.settings if UNDESCRIBED.search(s.description)]
    return found


@pytest.mark.parametrize(("part", "kind"), OF_KINDS)
def test_every_setting_of_every_kind_of_part_is_described(
    tiny: Experiment, part: str, kind: str
) -> None:
    groups = list(describe_settings(tiny, [f"--{part}", kind]))
    (chosen,) = (group for group in groups if group.name == part)
    assert chosen.description.startswith(f"{KINDS[part][kind].__name__}: ")
    assert undescribed(groups) == []


def test_every_setting_of_every_shipped_experiment_is_described(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # where no project has experiments of its own
    names = {listing.name for listing in list_experiments()}
    extra: set[type] = set()
    if find_spec("reasoning_gym") is None:  # which this one can't be loaded without
        names.remove("decoder_arithmetic")
        extra.add(tasks.ReasoningGym)
    experiments = [load_experiment(name)[0] for name in sorted(names)]
    shipped = [experiment.task for experiment in experiments]
    inner = {type(task.task if isinstance(task, AfterInput) else task) for task in shipped}
    assert inner | extra == {kind for kind in vars(tasks).values() if isinstance(kind, type)}
    for experiment in experiments:
        assert undescribed(describe_settings(experiment, [])) == [], experiment.name


@pytest.mark.parametrize(
    "description", ["", "(default: 3)", ": (default: 3)", "a stage: (default: 3)", ": b"]
)
def test_a_missing_description_is_detected(description: str) -> None:
    setting = Setting(options=("--part.x",), value="INT", description=description)
    group = SettingGroup(name="part", description="Part: what it is.", settings=[setting])
    assert undescribed([group]) == ["--part.x"]
    assert undescribed([SettingGroup(name="part", description="Part: ", settings=[])]) == ["part"]


def test_every_setting_has_an_option(tiny: Experiment) -> None:
    found = options_of(tiny)
    for name, value in tiny.flat().items():
        option = f"--{name.replace('_', '-')}"
        if name == "tuning.also":  # given in Python alone
            assert option not in found
        elif "." in name or name in KINDS or name == "model_size":
            assert option in found
        if isinstance(value, bool):
            part, _, setting = option.rpartition(".")
            assert f"{part}.no-{setting}" in found
    assert "--strategy" in found


def test_the_described_settings_are_those_of_the_chosen_kind(tiny: Experiment) -> None:
    assert "--growth.factor" in options_of(tiny)
    arithmetic = options_of(tiny, ["--growth", "arithmetic"])
    assert "--growth.factor" not in arithmetic
    assert "--growth.step" in arithmetic


def test_the_help_of_an_experiment_prints_every_option(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "gru_firstbit", "--growth", "arithmetic", "--help"]) == 0
    printed = set(re.findall(r"--[\w.-]+", capsys.readouterr().out))
    experiment, _ = load_experiment("gru_firstbit")
    assert options_of(experiment, ["--growth", "arithmetic"]) <= printed
