"""Experiments as files: the ones that come with the package, a project's, a user's own."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from curriculum.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from curriculum.experiment import Experiment

__all__ = ["Listing", "listings", "load_experiment", "load_module"]

SHIPPED = Path(__file__).resolve().parents[1] / "experiments"
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Listing:
    """An experiment's name and the line that describes it."""

    name: str
    line: str


def folders() -> list[Path]:
    """Where experiments are looked up by name: in the current folder's `experiments`, and ours."""
    here = Path.cwd() / "experiments"
    return [SHIPPED] if here.resolve() == SHIPPED else [here, SHIPPED]


def files() -> dict[str, Path]:
    """The experiment files by name; those of the current folder come first."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.py")):
            if FILE_NAME.fullmatch(path.stem):
                found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def listings() -> list[Listing]:
    """All experiments, read without executing their files."""
    return [listing for name, path in files().items() for listing in _listings_of(name, path)]


def load_experiment(name: str) -> tuple[Experiment, Path]:
    """The experiment `NAME`, `PATH.py`, or either with `:VARIABLE`, and the file it is from.

    Raises:
        UsageError: where there is no such file or variable, or the file fails to import.
    """
    from curriculum.experiment import Experiment

    where, _, variable = name.partition(":")
    variable = variable or "experiment"
    path = _path_of(where)
    module = load_module(path)
    found = getattr(module, variable, None)
    if not isinstance(found, Experiment):
        named = [key for key, value in vars(module).items() if isinstance(value, Experiment)]
        if not named:
            raise UsageError(
                f"{path} defines no experiment: it needs a line 'experiment = Experiment(…)'"
            )
        raise UsageError(
            f"{path} defines no experiment {variable!r}; {did_you_mean(variable, named)}"
        )
    title = path.stem if variable == "experiment" else f"{path.stem}:{variable}"
    return found.but(name=title), path


def load_module(path: Path) -> ModuleType:
    """The module in that file, executed.

    Raises:
        UsageError: where the file isn't there or fails to import, with the line.
    """
    name = f"curriculum_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UsageError(f"there is no Python file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while they are made
    try:
        spec.loader.exec_module(module)
    except UsageError as error:
        raise UsageError(f"{path}{_line_of(error, path)}: {error}") from error
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())
        raise UsageError(
            f"{path}{_line_of(error, path)} can't be imported: {type(error).__name__}: {said}"
        ) from error
    return module


def _path_of(where: str) -> Path:
    if where.endswith(".py") or "/" in where:
        path = Path(where)
        if not path.is_file() or path.suffix != ".py":
            raise UsageError(f"there is no file {where} in Python; give its path, or a name")
        if not FILE_NAME.fullmatch(path.stem):
            raise UsageError(
                f"an experiment's file is named with letters, digits, '_' and '-', got {path.name!r}"
            )
        return path
    known = files()
    if where not in known:
        raise UsageError(f"there is no experiment {where!r}; {did_you_mean(where, known)}")
    return known[where]


def _line_of(error: BaseException, path: Path) -> str:
    """`, line N` of that file, where the error passed through it."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f", line {error.lineno}"
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else f", line {line}"


def _listings_of(name: str, path: Path) -> list[Listing]:
    """A file's experiments: what is assigned from a call of Experiment or of another's `but`."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, OSError) as error:
        return [Listing(name, f"(can't be read: {error.__class__.__name__})")]
    title = (ast.get_docstring(tree) or "").partition("\n")[0]
    found = []
    for number, node in enumerate(tree.body):
        variable = _experiment_variable(node)
        if variable is None:
            continue
        comment = _string_at(tree.body, number + 1).partition("\n")[0]
        if variable == "experiment":
            found.append(Listing(name, comment or title))
        else:
            found.append(Listing(f"{name}:{variable}", comment))
    return found


def _experiment_variable(node: ast.stmt) -> str | None:
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
        return None
    called = node.value.func
    name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if name not in ("Experiment", "but") or not isinstance(target, ast.Name):
        return None
    return target.id


def _string_at(body: list[ast.stmt], number: int) -> str:
    if number < len(body):
        node = body[number]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    return ""
