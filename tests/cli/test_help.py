"""The help of the command line: all arguments are described, and wrapped at 80 columns."""

import importlib.metadata
import re
from dataclasses import fields

import pytest
from command_line import call

import curriculum
from curriculum.cli.main import build_commands
from curriculum.cli.parser import Argument, Commands, arguments_of
from curriculum.config import describe_settings, load_experiment
from curriculum.errors import UsageError

COMMANDS = (
    "list",
    "run",
    "resume",
    "explain",
    "show",
    "runs",
    "check",
    "certify",
    "export",
    "compare",
    "sweep",
    "sweeps",
    "optimize",
    "rm",
    "prune",
    "sync",
    "ui",
)
READ_OTHERWISE = {"overrides", "parser", "words"}
"""Fields of requests that no argument of their own is read into."""

EXPERIMENTS = ("lstm_firstbit", "bert_reverse", "gru_subsequence_attention:direct")


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="module")
def commands() -> Commands:
    """All commands, none of which can be carried out."""
    _, found = build_commands()

    def execute(request: object) -> int:
        raise AssertionError(f"{request} was accepted")

    for parser in found.parsers.values():
        parser.set_defaults(execute=execute)
    return found


def help_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    code: int | str | None
    try:
        code = call(*arguments, "--help")
    except SystemExit as stopped:
        code = stopped.code
    assert code == 0
    out, err = capsys.readouterr()
    assert not err
    return out


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def arguments_by_field(commands: Commands, name: str) -> dict[str, Argument]:
    return arguments_of(commands.parsers[name].get_default("request"))


def test_every_command_is_listed(commands: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    assert tuple(commands.parsers) == COMMANDS
    text = help_of(capsys)
    for name in COMMANDS:
        assert re.search(rf"^    {name} +\S", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_field_of_a_request_is_an_argument_with_a_help(commands: Commands, name: str) -> None:
    request = commands.parsers[name].get_default("request")
    known = {field.name for field in fields(request)}
    arguments = arguments_by_field(commands, name)
    assert arguments.keys() == known - READ_OTHERWISE
    for field, argument in arguments.items():
        assert argument.settings["help"].strip(), field
    read = {action.dest for action in commands.parsers[name]._actions}
    assert read - {"help"} <= known


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_wrapped_between_words_within_80_columns(
    commands: Commands, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_of(capsys, name)
    assert max(map(len, text.splitlines())) <= 80
    whole = in_one_line(text)
    for argument in arguments_by_field(commands, name).values():
        assert in_one_line(argument.settings["help"]) in whole
    parser = commands.parsers[name]
    for words in (parser.description, parser.epilog):
        assert in_one_line(words or "") in whole
    assert whole.startswith(f"usage: python -m curriculum {name}")


def test_the_help_of_all_commands_is_wrapped_between_words_within_80_columns(
    commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    program, _ = build_commands()
    text = help_of(capsys)
    assert max(map(len, text.splitlines())) <= 80
    whole = in_one_line(text)
    assert in_one_line(program.description or "") in whole
    assert in_one_line(program.epilog or "") in whole
    for parser in commands.parsers.values():
        description = in_one_line(parser.description or "").removesuffix(".")
        assert description[1:] in whole  # but for the capital letter
    assert "python -m curriculum run lstm_firstbit" in text


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_help_of_an_experiment_lists_each_setting_once_in_words(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_of(capsys, "run", name)
    assert max(map(len, text.splitlines())) <= 80
    assert ">>>" not in text
    assert "--seed N" in text
    whole = in_one_line(text)
    experiment, _ = load_experiment(name)
    parts = list(describe_settings(experiment, ()))
    assert {"task", "model", "growth", "optimizer", "budget"} < {part.name for part in parts}
    for part in parts:
        assert text.count(f"\n{part.name} settings:\n") == 1
        assert in_one_line(part.description) in whole
        for setting in part.settings:
            option = setting.options[0]
            assert len(re.findall(rf"^  {re.escape(option)}(?=[ ,\n])", text, re.MULTILINE)) == 1
            assert setting.description
            assert in_one_line(setting.description) in whole


def test_the_help_of_an_experiment_follows_its_overrides(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = help_of(capsys, "run", "lstm_firstbit", "--growth", "galloping")
    settings, _ = text.split("\nexamples:\n")
    assert "--growth.factor" not in settings
    assert "--growth.step INT" in settings
    assert "galloping" in settings
    assert "--optimizer.learning-rate" in settings


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        call("--version")
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"curriculum {curriculum.__version__}\n"
    assert curriculum.__version__ == importlib.metadata.version("curriculum")


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_of_another_command_is_named_in_the_error(commands: Commands, name: str) -> None:
    own = commands.parsers[name].option_names
    positional = [
        "lstm_firstbit" if found == "experiment" else "last"
        for found, argument in arguments_by_field(commands, name).items()
        if not argument.is_option
    ]
    others: dict[str, list[str]] = {}
    for other, parser in commands.parsers.items():
        for option in set(parser.option_names) - set(own):
            others.setdefault(option, []).append(other)
    assert others
    for option, owners in others.items():
        with pytest.raises(UsageError) as caught:
            commands.execute([name, *positional, option, "1"])
        message = str(caught.value)
        assert message.startswith(f"{name} has no option {option}; ")
        suggested = re.search(r"did you mean (--[\w-]+)\?", message)
        if suggested is None:
            assert all(re.search(rf"\b{owner}\b", message) for owner in owners)
        else:
            assert suggested[1] in own
