"""What is installed works in any folder, whatever files a user keeps there."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest
from mlflow_copies import copy_of

from curriculum.record import Store

ROOT = Path(__file__).parents[1]
IN_THE_WAY = ("tasks.py", "experiments/__init__.py", "mlflow.py")
"""A user's own files that are named like what is installed."""

OWN_FILE = """\
'''A short path of reversals.'''
from curriculum import Adam, Experiment, Geometric, Mastery, Stage
from curriculum.models import Bert
from curriculum.tasks import Reverse

experiment = Experiment(
    task=Reverse(),
    model=Bert(),
    growth=Geometric(start=Stage(2), end=Stage(5)),
    criterion=Mastery(),
    optimizer=Adam(),
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's, in which whatever is in the way fails where it is imported."""
    for name in IN_THE_WAY:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"raise SystemExit('the user has {name} imported')")
    (tmp_path / "own.py").write_text(OWN_FILE)
    return tmp_path


def call(python: Path, folder: Path, *arguments: str) -> str:
    """What a command prints, called in that folder."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-m", "curriculum", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_commands(python: Path, folder: Path) -> None:
    """List, run with a copy in MLflow, and run an own file that takes a task of the package."""
    assert "lstm_firstbit" in call(python, folder, "list")
    call(python, folder, "run", "lstm_firstbit", "--growth.end", "5", "--wait")
    call(python, folder, "run", "own.py", "--dry-run")
    store = Store(folder / "mlruns")
    [run] = store.runs()
    parent, children = copy_of(store, run)
    assert parent.info.status == "FINISHED"
    assert len(children) == 3


def test_a_users_own_files_are_not_in_the_way(folder: Path) -> None:
    check_commands(Path(sys.executable), folder)


@pytest.mark.exhaustive
def test_a_wheel_installs_one_package_that_works_in_any_folder(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is installed into an environment of its own, beside this one's libraries."""
    place = tmp_path_factory.mktemp("wheel")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", place, ROOT], check=True)
    [wheel] = place.glob("*.whl")
    top = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"curriculum"}
    venv.create(place / "venv")
    python = place / "venv" / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True)
    libraries = sysconfig.get_path("purelib")
    [packages] = (place / "venv").glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(libraries)
    command: list[str | Path] = [python, "-c", "import curriculum; print(curriculum.__file__)"]
    found = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()).is_relative_to(place)
    check_commands(python, folder)
