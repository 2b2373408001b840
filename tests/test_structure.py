"""How the package is built: layers of subpackages, imports of their public names, wrapped libraries."""

import ast
import re
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

LAYERS = [
    {"errors"},
    {"plan", "processes", "data"},
    {"learn"},
    {"models", "callbacks", "tasks"},
    {"config"},
    {"record", "experiments"},
    {"tracking", "tune"},
    {"runner"},
    {"sweeps"},
    {"comparison"},
    {"report"},
    {"api"},
    {"cli"},
    {"__main__"},
]
"""A subpackage imports subpackages of lower layers, and its own. The package itself only hands names on."""

WRAPPED = {
    "IPython": {"report"},
    "argparse": {"cli"},
    "docstring_parser": {"config"},
    "lightning": {"callbacks"},
    "matplotlib": {"report", "api", "tracking", "cli"},  # all but the first for annotations alone
    "mlflow": {"tracking"},
    "optuna": {"tune"},
    "pandas": {"api"},
    "optuna_dashboard": {"tune"},
    "datasets": {"data"},
    "pickle": set(),
    "pyarrow": {"data"},
    "platformdirs": {"data"},
    "ray": {"sweeps"},
    "reasoning_gym": {"tasks"},
    "rich": {"report", "api", "cli"},
    "safetensors": {"record"},
    "scipy": {"plan", "comparison"},
    "sqlite3": {"record", "tracking"},
    "tokenizers": {"models", "data"},
    "transformers": {"models", "callbacks", "data"},
    "tyro": {"config"},
}
"""Which subpackages know a library; no other does."""

HEAVY = {
    "ray",
    "torch",
    "mlflow",
    "optuna",
    "transformers",
    "lightning",
    "numpy",
    "scipy",
    "matplotlib",
}


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


def subpackage(name: str) -> str:
    """The subpackage that a module is in; empty for the package itself."""
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


def test_subpackages_import_subpackages_of_lower_layers_alone() -> None:
    layers = {name: number for number, names in enumerate(LAYERS) for name in names}
    assert {subpackage(name) for name in MODULES} - {""} == set(layers)
    wrong = [
        f"{name} imports {other}"
        for name, other in own_imports()
        if subpackage(name) and subpackage(other) and subpackage(name) != subpackage(other)
        if layers[subpackage(other)] >= layers[subpackage(name)]
    ]
    assert wrong == []


def test_layers_and_loose_modules_are_few() -> None:
    assert len(LAYERS) <= 14
    loose = {path.name for path in (ROOT / "curriculum").glob("*.py")}
    assert loose == {"__init__.py", "__main__.py", "errors.py", "processes.py"}
    for folder in (ROOT / "curriculum").rglob("*/"):
        files = [*folder.glob("*.py")] if folder.name != "__pycache__" else []
        assert not files or len(files) > 2, f"{folder} is a subpackage for one file"


def test_no_imports_run_in_a_cycle() -> None:
    """Between subpackages they go down; so it is enough to look within each."""
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for name, other in own_imports():
        if subpackage(name) == subpackage(other) and other != name:
            graph[name].add(other)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from error


def test_other_subpackages_are_imported_by_their_public_names() -> None:
    """A name is imported from its subpackage, not from the module that it is in."""
    public = {name for name, path in MODULES.items() if path.with_suffix(".pyi").exists()}
    offered = {f"{package}.{name}" for package in public for name in import_module(package).__all__}
    allowed = public | offered | {"curriculum.errors", "curriculum.processes"}
    wrong = [
        f"{name} imports {other}"
        for name, other in own_imports()
        if subpackage(name) and subpackage(name) != subpackage(other) and other not in allowed
        if subpackage(other) not in ("tasks", "experiments") and name != "curriculum.__main__"
    ]
    assert wrong == []


def test_each_library_is_known_to_few_subpackages() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, path in MODULES.items()
        for other in imports(path)
        if subpackage(name) not in WRAPPED.get(other.split(".")[0], {subpackage(name)})
    ]
    assert wrong == []


def test_the_plan_knows_no_torch_and_does_no_io() -> None:
    plan = [path for name, path in MODULES.items() if subpackage(name) == "plan"]
    for path in plan:
        assert not {"torch", "os", "pathlib", "io", "sys", "logging"} & set(imports(path)), path
        assert "print(" not in path.read_text(), path


def test_all_consoles_show_names_as_they_are() -> None:
    """Rich would read markup and emoji in them."""
    made = [name for name, path in MODULES.items() if re.search(r"\bConsole\(", path.read_text())]
    assert made == ["curriculum.report.screen"]


def test_files_and_functions_are_short() -> None:
    for path in MODULES.values():
        text = path.read_text()
        assert text.count("\n") <= MOST_LINES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.body[0].lineno + 1
                assert lines <= MOST_FUNCTION_LINES, f"{path}: {node.name}"


def test_every_public_name_is_there_and_is_no_modules_name() -> None:
    for name, path in MODULES.items():
        if path.with_suffix(".pyi").exists():
            package = import_module(name)
            for public in package.__all__:
                assert getattr(package, public) is not None
                alike = f"{name}.{public}"
                assert alike not in MODULES or getattr(package, public) is sys.modules[alike]
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


def test_an_experiment_is_described_without_torch() -> None:
    code = """
from curriculum.config import load_experiment
from curriculum.report import describe_dry_run
experiment, _ = load_experiment('lstm_firstbit')
print(repr(experiment), *describe_dry_run(experiment))
"""
    assert loaded_after(code) <= {"numpy", "scipy"}


def test_a_sweep_is_planned_and_driven_by_ray_without_torch() -> None:
    """The driver's memory is Ray's, and a process that makes no run is there at once."""
    code = """
from pathlib import Path
from curriculum.api import make_sweep, plan_sweep
from curriculum.sweeps import EngineSettings, RayEngine, run_sweep
planned = plan_sweep(
    'lstm_firstbit', ('gated', 'direct'), seeds=(0, 1), grid={'growth.factor': ('1.5', '2')}, overrides=(),
    budget=None, learning_rates=None, store=Path('nowhere'), device='auto', threads=None,
)
assert len([*planned.jobs()]) == 8
"""
    assert loaded_after(code) <= {"numpy", "scipy"}


def test_training_loads_no_library_that_it_does_not_need() -> None:
    loaded = loaded_after("import curriculum; curriculum.run")
    assert "torch" in loaded
    assert loaded <= {"torch", "numpy", "scipy"}
