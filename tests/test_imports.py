"""Imports point one way, and heavy libraries wait until they are needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import curriculum

ROOT = Path(__file__).parents[1]
HEAVY = (
    "torch",
    "mlflow",
    "optuna",
    "transformers",
    "accelerate",
    "lightning",
    "ray",
    "numpy",
    "scipy",
    "matplotlib",
)

FLOORS = [
    {"curriculum.errors"},
    {"curriculum.plan"},
    {"curriculum.learn", "curriculum.callbacks"},
    {"curriculum.models", "tasks", "curriculum.tune.settings", "curriculum.tune.space"},
    {"curriculum.experiment"},
    {"curriculum.tune", "curriculum.record", "curriculum.catalogue", "curriculum.overrides"},
    {
        "curriculum.report",
        "curriculum.loading",
        "curriculum.mirroring",
        "curriculum.copies",
        "curriculum.ahead",
        "curriculum.loop",
        "curriculum.retesting",
    },
    {"curriculum.running", "curriculum.deleting", "curriculum.attempts"},
    {"curriculum.attempting"},
    {"curriculum.crew"},
    {"curriculum.campaign"},
    {"curriculum.scale"},
    {
        "curriculum.arguments",
        "curriculum.watching",
        "curriculum.comparing",
        "curriculum.certifying",
    },
    {"curriculum.cli"},
    {"curriculum.__main__"},
]
"""A room imports rooms of lower floors, and its own."""

OWNERS = {
    "mlflow": {
        "curriculum.record.mirror",
        "curriculum.record.mirrored_artifacts",
        "curriculum.record.mirrored_metrics",
    },
    "optuna": {"curriculum.tune"},
    "ray": {"curriculum.scale"},
    "tyro": {"curriculum.overrides"},
    "matplotlib": {
        "curriculum.report.plots",
        "curriculum.report.canvas",
        "curriculum.report.extrapolation_plot",
        "curriculum.report.settings_plot",
        "curriculum.report.svg",
    },
    "optuna_dashboard": {"curriculum.tune.dashboard"},
    "safetensors": {"curriculum.record.checkpoint", "curriculum.record.packing"},
    "scipy": {"curriculum.plan.bounds", "curriculum.report.medians"},
    "transformers": {"curriculum.models.bert_network", "curriculum.callbacks.hugging_face"},
    "lightning": {"curriculum.callbacks.lightning"},
    "rich": {
        "curriculum.report",
        "curriculum.cli",
        "curriculum.watching",
        "curriculum.comparing",
        "curriculum.certifying",
    },
    "argparse": {
        "curriculum.arguments",
        "curriculum.cli",
        "curriculum.watching",
        "curriculum.comparing",
        "curriculum.certifying",
    },
    "subprocess": {"curriculum.record", "curriculum.tune.workers"},
    "pickle": set(),
}
"""Which module wraps which library; nothing else knows it."""


def modules() -> dict[str, Path]:
    found = {}
    for folder in ("curriculum", "tasks"):
        for path in (ROOT / folder).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imported(path: Path) -> set[str]:
    """What a module imports when it runs; what is for type checkers alone is left out."""
    names: set[str] = set()
    for_types: set[int] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for_types |= {id(part) for part in ast.walk(node)}
        elif isinstance(node, ast.ImportFrom) and id(node) not in for_types:
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module or "")
    return names


def within(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def floor(name: str) -> int:
    for number, rooms in enumerate(FLOORS):
        if within(name, rooms):
            return number
    raise AssertionError(f"{name} stands on no floor: give it one")


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_point_down(name: str) -> None:
    if name == "curriculum":
        return  # the door: it hands names on
    for other in imported(modules()[name]):
        if within(other, {"curriculum", "tasks", "experiments"}) and other != "curriculum":
            assert not within(other, {"experiments"}), "experiments are loaded, not imported"
            assert floor(other) <= floor(name), f"{name} imports {other}"


@pytest.mark.parametrize("name", sorted(modules()))
def test_each_library_is_wrapped_by_one_room(name: str) -> None:
    for other in imported(modules()[name]):
        owners = OWNERS.get(other.split(".")[0])
        assert owners is None or within(name, owners), f"{name} imports {other}"


def test_the_plan_knows_no_torch_and_does_no_io() -> None:
    for name, path in modules().items():
        if within(name, {"curriculum.plan"}):
            assert not imported(path) & {"torch", "os", "pathlib", "io", "sys", "logging"}, name
            assert "print(" not in path.read_text()


def loaded_after(code: str) -> set[str]:
    code += "\nimport sys; print('\\n' + ' '.join(m for m in sys.modules if '.' not in m))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(result.stdout.splitlines()[-1].split()) & set(HEAVY)


@pytest.mark.parametrize(
    "code",
    [
        "import curriculum",
        "import curriculum.models",
        "import curriculum.callbacks",
        "from curriculum.cli import main; main(['list'])",
        "from curriculum.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass",
        "from curriculum.cli import main; main(['run', '--help'])",
        "from curriculum.cli import main; main(['explain', '--store', 'nowhere', 'last'])",
    ],
)
def test_the_light_commands_load_no_heavy_library(code: str) -> None:
    assert loaded_after(code) == set()


def test_every_public_name_is_where_it_is_said_to_be() -> None:
    named = [name for names in curriculum.HOMES.values() for name in names.split()]
    assert sorted(named) == sorted(curriculum.__all__)
    for name in named:
        assert getattr(curriculum, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        curriculum.nothing  # noqa: B018


def test_an_experiment_is_described_and_checked_without_torch() -> None:
    code = "from curriculum.cli import main; main(['run', 'lstm_firstbit', '--dry-run'])"
    assert loaded_after(code) <= {"numpy", "scipy"}


def test_training_loads_no_library_that_it_does_not_need() -> None:
    loaded = loaded_after("import curriculum; curriculum.run")
    assert "torch" in loaded
    assert loaded <= {"torch", "numpy", "scipy"}
