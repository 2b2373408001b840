"""Checkpoints that somebody made up, digests and all: refused, before anything of their size is made."""

import ast
import json
import os
import resource
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import curriculum
from curriculum import UsageError
from curriculum.record.standing import find_standing

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
MOST_BYTES = 300 * 2**20
Content = dict[str, Any]


@pytest.fixture
def run(stopped_run: Any, tmp_path: Path) -> Any:
    return stopped_run.copied(tmp_path / "copy")


@pytest.fixture(autouse=True)
def _little_memory() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) * 1024 < MOST_BYTES


def check_refused(run: Any) -> None:
    """The newest state is not gone on from, and the one before is."""
    older, newest = run.folder.saved[-2:]
    standing = find_standing(run.folder, run.experiment, CPU)
    assert standing.saved is not None
    assert standing.saved.path == older
    assert not newest.exists()
    said = run.folder.path  # it can still be told what there is
    assert said.exists()


def shape(**changes: Any) -> Callable[[Content], object]:
    return lambda content: content["learner"]["shape"].update(changes)


def recipe(changes: Any) -> Callable[[Content], object]:
    return lambda content: content["learner"].update(recipe=changes)


def values(changes: Any) -> Callable[[Content], object]:
    return lambda content: content["learner"]["optimizer"].update(values=changes)


def learner(**changes: Any) -> Callable[[Content], object]:
    return lambda content: content["learner"].update(changes)


@pytest.mark.parametrize(
    "change",
    [
        shape(length=10**12),
        shape(symbols=10**12),
        shape(answers=10**9),
        shape(answer_length=10**9),
        shape(length=-1),
        shape(symbols=-(10**9)),
        shape(symbols="2"),
        shape(symbols=None),
        shape(symbols=[2]),
        shape(length=1.5),
        shape(length=float("inf")),
        shape(answer="symbols"),
        shape(answer=3),
        shape(more=3),
        lambda content: content["learner"]["shape"].pop("symbols"),
        lambda content: content["learner"].pop("shape"),
        learner(shape=[1, 2]),
        learner(shape=None),
        recipe({"model.hidden_size": 10**7}),
        recipe({"model.hidden_size": 9}),
        recipe({"model.hidden_size": 0}),
        recipe({"model.hidden_size": -8}),
        recipe({"model.hidden_size": "8"}),
        recipe({"model.hidden_size": 8.0}),
        recipe({"model.layers": 10**6}),
        recipe({"model.cell": "lstm"}),
        recipe({"model.nothing": 1}),
        recipe({"model": {"hidden_size": 8}}),
        recipe({"training.batch_size": 10**9}),
        recipe({"training.batch_size": 17}),
        recipe({"training.batch_size": -1}),
        recipe({"training.nothing": 1}),
        recipe({"optimizer.learning_rate": "fast"}),
        recipe({"optimizer.learning_rate": -1.0}),
        recipe({"optimizer.nothing": 1}),
        recipe({"task.zeros": "hard"}),
        recipe({"__class__": 1}),
        recipe({"": 1}),
        recipe(["model.hidden_size"]),
        recipe(None),
        values({"0/exp_avg": 1.0}),
        values({"0/step": 10**9}),
        values({"0/strange": 1}),
        values({"99/step": 1}),
        values({"-1/step": 1}),
        values({"x": 1}),
        values({"state/0": 1}),
        values([1]),
        values(None),
        learner(optimizer=None),
        learner(optimizer={"values": {}}),
    ],
)
def test_sizes_that_no_run_of_the_experiment_comes_to_are_refused(
    run: Any, change: Callable[[Content], object], forge: Any
) -> None:
    forge(run.folder.saved[-1], change)
    check_refused(run)


def tensors(file: str) -> Callable[..., Callable[[Path], None]]:
    def changed(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
        def write(checkpoint: Path) -> None:
            found = dict(load_file(checkpoint / f"{file}.safetensors"))
            change(found)
            save_file(found, checkpoint / f"{file}.safetensors")

        return write

    return changed


model, optimizer = tensors("model"), tensors("optimizer")


def first(found: dict[str, torch.Tensor]) -> str:
    return sorted(found)[0]


@pytest.mark.parametrize(
    "write",
    [
        model(lambda found: found.pop(first(found))),
        model(lambda found: found.update(more=torch.zeros(3))),
        model(lambda found: found.update({"../../x": found.pop(first(found))})),
        model(lambda found: found.update({first(found): torch.zeros(1000, 1000)})),
        model(lambda found: found.update({first(found): torch.zeros(0)})),
        model(lambda found: found.update({first(found): found[first(found)].flatten()[:-1]})),
        model(dict.clear),
        optimizer(lambda found: found.update({"0/exp_avg": torch.zeros(1000)})),
        optimizer(lambda found: found.update({"0/strange": torch.zeros(1)})),
        optimizer(lambda found: found.update({"99/exp_avg": torch.zeros(1)})),
        optimizer(lambda found: found.update({"-1/exp_avg": torch.zeros(1)})),
        optimizer(lambda found: found.update({"exp_avg": torch.zeros(1)})),
        optimizer(lambda found: found.update({"0/exp_avg/x": torch.zeros(1)})),
        optimizer(lambda found: found.update({"0/step": torch.zeros(9)})),
        optimizer(lambda found: found.pop("0/exp_avg_sq")),
        optimizer(lambda found: found.update({"state/0": torch.zeros(1, 16, 8)})),
        optimizer(lambda found: found.update({"state/x": torch.zeros(1)})),
        lambda checkpoint: (checkpoint / "model.safetensors").write_bytes(b""),
        lambda checkpoint: (checkpoint / "model.safetensors").write_bytes(b"\x80\x04K\x01."),
        lambda checkpoint: (checkpoint / "model.safetensors").write_bytes(b"\xff" * 64),
    ],
)
def test_tensors_that_are_not_the_models_are_refused(
    run: Any, write: Callable[[Path], None], sign: Any
) -> None:
    newest = run.folder.saved[-1]
    write(newest)
    sign(newest)
    check_refused(run)


def sparse(path: Path, name: str, size: list[int], *, there: bool) -> None:
    """A safetensors file that claims to be huge, and takes next to no room."""
    count = 1
    for part in size:
        count *= part
    header = json.dumps({name: {"dtype": "F32", "shape": size, "data_offsets": [0, 4 * count]}})
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header.encode())
        if there:
            file.truncate(file.tell() + 4 * count)


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    ("file", "name"),
    [("model", "head.weight"), ("optimizer", "0/exp_avg"), ("optimizer", "state/0")],
)
def test_a_file_of_a_hundred_gigabytes_is_refused_before_it_is_read(
    run: Any, file: str, name: str, *, there: bool
) -> None:
    newest = run.folder.saved[-1]
    sparse(newest / f"{file}.safetensors", name, [1, 25, 10**9], there=there)
    check_refused(run)


@pytest.mark.parametrize("size", [2**62, 2**63 + 8, 99_999_999])
def test_a_header_of_any_length_is_refused(run: Any, size: int) -> None:
    path = run.folder.saved[-1] / "model.safetensors"
    with path.open("r+b") as file:
        file.write(struct.pack("<Q", size))
        file.truncate(2**33)
    check_refused(run)


DEEP = "[" * 10**6 + "]" * 10**6


@pytest.mark.parametrize(
    "text",
    [
        DEEP,
        '{"state": ' + DEEP + ', "learner": {}}',
        '{"state": {"scheduler": ' + '{"a": ' * 900 + "1" + "}" * 900 + '}, "learner": {}}',
        '{"state": {}, "learner": []}',
        "[]",
        "null",
        "1e999",
        "\ufeff{}",
        '{"state": ' + "9" * 5000 + "}",
    ],
)
def test_json_of_any_form_is_refused(run: Any, text: str, sign: Any) -> None:
    newest = run.folder.saved[-1]
    (newest / "state.json").write_text(text)
    sign(newest)
    check_refused(run)


@pytest.mark.parametrize("name", ["state.json", "digest.json"])
def test_a_text_of_a_hundred_gigabytes_is_refused_before_it_is_read(run: Any, name: str) -> None:
    os.truncate(run.folder.saved[-1] / name, 10**11)
    check_refused(run)


@pytest.mark.parametrize("text", ["[]", "null", '"x"', '{"model.safetensors": ["x"]}', DEEP])
def test_digests_of_any_form_are_refused(run: Any, text: str) -> None:
    (run.folder.saved[-1] / "digest.json").write_text(text)
    check_refused(run)


@pytest.mark.parametrize("parent", ["../../../secret/000002", "..", ".", "000002/../000002", "/"])
def test_nothing_is_read_outside_of_the_runs_folder(
    run: Any, tmp_path: Path, parent: str, forge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    shutil.copytree(run.folder.saved[1], secret / "000002")
    forge(run.folder.saved[-1], lambda content: content["state"].update(parent=parent))
    opened: list[str] = []
    path_open = Path.open

    def noted(self: Path, *rest: Any, **more: Any) -> Any:
        opened.append(str(self.resolve()))
        return path_open(self, *rest, **more)

    monkeypatch.setattr(Path, "open", noted)
    check_refused(run)
    assert opened
    assert all(path.startswith(str(run.folder.path)) for path in opened)
    assert (secret / "000002" / "model.safetensors").exists()  # nor is anything deleted there


def test_what_a_link_points_to_is_left_alone(run: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("keep")
    (run.folder.checkpoints / "000009").symlink_to(elsewhere)
    run.resume()
    assert (elsewhere / "mine").read_text() == "keep"


def test_if_all_of_them_are_made_up_the_run_is_computed_anew(run: Any, forge: Any) -> None:
    for checkpoint in run.folder.saved:
        forge(checkpoint, recipe({"model.hidden_size": 10**7}))
    with pytest.raises(UsageError, match="which no search of the run comes to"):
        curriculum.load("last", store=run.root)
    result = run.resume()
    assert result.weights_sha256 == run.weights_sha256
    assert run.records() == run.journal


def code() -> Iterator[tuple[str, ast.AST]]:
    for folder in ("curriculum", "tasks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts), node


FORBIDDEN_MODULES = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml",
    "runpy", "code", "codeop", "imp", "ctypes", "torch.hub", "torch.package", "torch.jit",
    "torch.serialization",
}  # fmt: skip
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "execfile", "breakpoint"}
FORBIDDEN_METHODS = {
    "torch.load", "torch.save", "yaml.load", "np.load", "numpy.load", "np.loadtxt", "os.system",
    "os.popen", "load_state_dict_from_url", "from_pretrained", "recv", "loads_pickle",
}  # fmt: skip
MAY_IMPORT = {
    "exec_module": {"curriculum.catalogue"},  # a file that the user names
    "import_module": {"curriculum.__init__", "curriculum.record.description"},  # our own modules
}


def test_nothing_that_lies_on_disk_is_ever_executed() -> None:
    for name, node in code():
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = (
                {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            )
            if isinstance(node, ast.ImportFrom):
                modules = {node.module or "", *(f"{node.module}.{a.name}" for a in node.names)}
            assert not modules & FORBIDDEN_MODULES, name
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in FORBIDDEN_CALLS, f"{name}: {called}"
            last = called.rpartition(".")[2]
            assert not {called, last} & FORBIDDEN_METHODS, f"{name}: {called}"
            assert name in MAY_IMPORT.get(last, {name}), f"{name}: {called}"
            for keyword in node.keywords:
                assert keyword.arg not in ("allow_pickle", "shell"), f"{name}: {called}"


def test_the_search_for_it_would_find_it() -> None:
    """The names in use are those that are looked for."""
    found = {ast.unparse(node.func) for _, node in code() if isinstance(node, ast.Call)}
    assert "importlib.import_module" in found
    assert "spec.loader.exec_module" in found
    assert "pipe.recv_bytes" in found
