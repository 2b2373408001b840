"""What the documents show is run, word for word."""

import re
from pathlib import Path
from typing import Any

import pytest

from curriculum import Stage

ROOT = Path(__file__).parents[1]


def blocks(path: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / path).read_text(), re.DOTALL)


def test_the_scheduler_works_in_somebodys_own_loop(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("docs/own_loop.md", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    found: dict[str, Any] = {}
    exec(code, found)
    assert found["scheduler"].reach == Stage(8)
    assert "reach: length 8" in capsys.readouterr().out


def test_the_readme_has_exactly_two_commands() -> None:
    commands = blocks("README.md", "sh")
    assert "python -m curriculum run lstm_firstbit" in commands[0]
    assert "pytest" in commands[1]
    assert all(len(command.strip().splitlines()) == 1 for command in commands[:2])


def test_ci_runs_the_readmes_test_command() -> None:
    assert blocks("README.md", "sh")[1].strip() in (ROOT / ".ci" / "run").read_text()


def test_the_readmes_own_task_works(tmp_path: Path) -> None:
    from curriculum.cli import main

    (code,) = blocks("README.md", "python")
    path = tmp_path / "my_parity.py"
    path.write_text(code)
    arguments = ["--growth.until", "4", "--growth.start", "2", "--store", str(tmp_path / "store")]
    assert main(["run", str(path), *arguments, "--dry-run"]) == 0
