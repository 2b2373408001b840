"""How the package is built: rooms on floors, imports from the front of a room, wrapped libraries."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import curriculum

ROOT = Path(__file__).parents[1]
MOST_LINES, MOST_FUNCTION_LINES = 350, 60

FLOORS = [
    {"errors"},
    {"plan", "processes"},
    {"learn"},
    {"models", "callbacks", "tasks"},
    {"config"},
    {"record", "experiments"},
    {"tracking", "tune"},
    {"runner"},
    {"sweep"},
    {"comparison"},
    {"report"},
    {"cli"},
    {"__main__"},
]
"""A room imports rooms of lower floors, and its own. The package itself only hands names on."""

WRAPPED = {
    "argparse": {"cli"},
    "docstring_parser": {"config"},
    "lightning": {"callbacks"},
    "matplotlib": {"report", "tracking", "cli"},  # the latter two for annotations alone
    "mlflow": {"tracking"},
    "optuna": {"tune"},
    "optuna_dashboard": {"tune"},
    "pickle": set(),
    "rich": {"report", "cli"},
    "safetensors": {"record"},
    "scipy": {"plan", "comparison"},
    "sqlite3": {"tracking"},
    "transformers": {"models", "callbacks"},
    "tyro": {"config"},
}
"""Which rooms know a library; no other does."""

HEAVY = {"torch", "mlflow", "optuna", "transformers", "lightning", "numpy", "scipy", "matplotlib"}


def modules() -> dict[str, Path]:
    """The files of the package by their installed names, such as `curriculum.plan.stage`."""
    found = {}
    for folder in ("curriculum", "tasks", "experiments"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            parts = parts if folder == "curriculum" else ("curriculum", *parts)
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def room(name: str) -> str:
    """The room that a module is in; empty for the package itself."""
    return name.split(".")[1] if "." in name else ""


def imports(path: Path) -> Iterator[str]:
    """What a module imports: anywhere in it, for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else str(node.module)


def own_imports() -> Iterator[tuple[str, str]]:
    """Each module with each of the package's that it imports."""
    for name, path in MODULES.items():
        for other in imports(path):
            if other.split(".")[0] == "curriculum":
                yield name, other


def test_rooms_import_rooms_of_lower_floors_alone() -> None:
    floors = {name: number for number, names in enumerate(FLOORS) for name in names}
    assert {room(name) for name in MODULES} - {""} == set(floors)
    wrong = [
        f"{name} imports {other}"
        for name, other in own_imports()
        if room(name) and room(other) and room(name) != room(other)
        if floors[room(other)] >= floors[room(name)]
    ]
    assert wrong == []


def test_there_are_no_more_floors_than_rooms_and_few_loose_modules() -> None:
    assert len(FLOORS) <= 13
    loose = {path.name for path in (ROOT / "curriculum").glob("*.py")}
    assert loose == {"__init__.py", "__main__.py", "errors.py", "processes.py"}
    for folder in (ROOT / "curriculum").rglob("*/"):
        files = [*folder.glob("*.py")] if folder.name != "__pycache__" else []
        assert not files or len(files) > 2, f"{folder} is a room for one file"


def test_no_imports_run_in_a_circle() -> None:
    """Between rooms they go down; so it is enough to look within each."""
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for name, other in own_imports():
        if room(name) == room(other) and other != name:
            graph[name].add(other)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from error


def test_other_rooms_are_entered_by_the_front_alone() -> None:
    """A name of another room is imported from the room, not from the module that it is in."""
    fronts = {name for name, path in MODULES.items() if path.with_suffix(".pyi").exists()}
    offered = {f"{front}.{name}" for front in fronts for name in import_module(front).__all__}
    allowed = fronts | offered | {"curriculum.errors", "curriculum.processes"}
    wrong = [
        f"{name} imports {other}"
        for name, other in own_imports()
        if room(name) and room(name) != room(other) and other not in allowed
        if room(other) not in ("tasks", "experiments") and name != "curriculum.__main__"
    ]
    assert wrong == []


def test_each_library_is_known_to_few_rooms() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, path in MODULES.items()
        for other in imports(path)
        if room(name) not in WRAPPED.get(other.split(".")[0], {room(name)})
    ]
    assert wrong == []


def test_the_plan_knows_no_torch_and_does_no_io() -> None:
    plan = [path for name, path in MODULES.items() if room(name) == "plan"]
    for path in plan:
        assert not {"torch", "os", "pathlib", "io", "sys", "logging"} & set(imports(path)), path
        assert "print(" not in path.read_text(), path


def test_files_and_functions_are_short() -> None:
    for path in MODULES.values():
        text = path.read_text()
        assert text.count("\n") <= MOST_LINES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.body[0].lineno + 1
                assert lines <= MOST_FUNCTION_LINES, f"{path}: {node.name}"


def test_every_name_of_a_front_is_there_and_is_no_modules_name() -> None:
    for name, path in MODULES.items():
        if path.with_suffix(".pyi").exists():
            front = import_module(name)
            for public in front.__all__:
                assert getattr(front, public) is not None
                alike = f"{name}.{public}"
                assert alike not in MODULES or getattr(front, public) is sys.modules[alike]
    with pytest.raises(AttributeError, match="nothing"):
        curriculum.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_what_is_installed_is_all_there_is() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    folders = {".".join(("curriculum", *name.split(".")[1:-1])) for name in MODULES}
    assert set(settings["packages"]) == packages == folders - {"curriculum.__main__"} | packages
    assert settings["package-dir"] == {
        "curriculum.experiments": "experiments",
        "curriculum.tasks": "tasks",
    }


def test_types_are_checked_under_the_installed_names() -> None:
    """mypy reads links to all that is installed, as if it lay in one folder."""
    linked = ROOT / ".mypy" / "curriculum"
    found = {path.name: path.resolve() for path in linked.iterdir()}
    wanted = {
        path.name: path
        for path in (*(ROOT / "curriculum").iterdir(), ROOT / "tasks", ROOT / "experiments")
        if path.name != "__pycache__"
    }
    assert found == wanted


def loaded_after(code: str) -> set[str]:
    code += "\nimport sys; print('\\n' + ' '.join(m for m in sys.modules if '.' not in m))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(result.stdout.splitlines()[-1].split()) & HEAVY


def test_the_light_commands_load_no_heavy_library() -> None:
    code = """
import curriculum, curriculum.models, curriculum.callbacks
from curriculum.cli.main import main
main(['list'])
for arguments in (['--help'], ['resume', '--help']):
    try: main(arguments)
    except SystemExit: pass
main(['run', '--help'])
main(['explain', '--store', 'nowhere', 'last'])
"""
    assert loaded_after(code) == set()


def test_an_experiment_is_described_and_checked_without_torch() -> None:
    code = "from curriculum.cli.main import main; main(['run', 'lstm_firstbit', '--dry-run'])"
    assert loaded_after(code) <= {"numpy", "scipy"}


def test_training_loads_no_library_that_it_does_not_need() -> None:
    loaded = loaded_after("import curriculum; curriculum.run")
    assert "torch" in loaded
    assert loaded <= {"torch", "numpy", "scipy"}
