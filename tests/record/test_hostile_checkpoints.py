"""Checkpoints that somebody made up, digests and all: refused, before anything of their size is made."""

import ast
import json
import os
import resource
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from interrupted_runs import (
    Change,
    StoppedRun,
    change_and_sign,
    sign_files,
)
from safetensors.torch import load_file, save_file

import curriculum
from curriculum import UsageError
from curriculum.record import find_resume_point, load_learner
from curriculum.record.checkpoint import DamagedCheckpoint

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
MOST_BYTES = 300 * 2**20

Tensors = dict[str, torch.Tensor]
MakeUp = Callable[[Path], object]
"""Makes up a part of a checkpoint, and signs it."""


@pytest.fixture(autouse=True)
def _little_memory() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) * 1024 < MOST_BYTES


def check_refused(run: StoppedRun) -> None:
    """The newest state is refused in a sentence; the run is resumed from the one before."""
    older, newest = run.folder.checkpoint_folders()[-2:]
    with pytest.raises(DamagedCheckpoint, match=newest.name) as caught:
        load_learner(newest, run.experiment, CPU)
    assert "\n" not in str(caught.value)
    check_resumed_from_the_one_before(run, older, newest)


def check_resumed_from_the_one_before(run: StoppedRun, older: Path, newest: Path) -> None:
    point = find_resume_point(run.folder, run.experiment, CPU)
    assert point.saved is not None
    assert point.saved.path == older
    assert not newest.exists()
    assert run.folder.path.exists()


def changed(change: Change) -> MakeUp:
    return lambda checkpoint: change_and_sign(checkpoint, change)


def shape(**changes: Any) -> MakeUp:
    return changed(lambda content: content["learner"]["shape"].update(changes))


def learner(**changes: Any) -> MakeUp:
    return changed(lambda content: content["learner"].update(changes))


def recipe(changes: Any) -> MakeUp:
    return learner(recipe=changes)


def values(changes: Any) -> MakeUp:
    return learner(values=changes)


SIZES: dict[str, MakeUp] = {
    "length of 10^12": shape(length=10**12),
    "vocabulary of 10^12": shape(input_vocab_size=10**12),
    "output vocabulary of 10^9": shape(output_vocab_size=10**9),
    "output length of 10^9": shape(output_length=10**9),
    "negative length": shape(length=-1),
    "negative vocabulary": shape(input_vocab_size=-(10**9)),
    "vocabulary as text": shape(input_vocab_size="2"),
    "vocabulary of none": shape(input_vocab_size=None),
    "vocabulary as a list": shape(input_vocab_size=[2]),
    "fractional length": shape(length=1.5),
    "infinite length": shape(length=float("inf")),
    "other output": shape(output="symbols"),
    "output as a number": shape(output=3),
    "unknown field of the shape": shape(more=3),
    "shape without a field": changed(
        lambda content: content["learner"]["shape"].pop("input_vocab_size")
    ),
    "no shape": changed(lambda content: content["learner"].pop("shape")),
    "shape as a list": learner(shape=[1, 2]),
    "shape of none": learner(shape=None),
    "width of 10^7": recipe({"model.hidden_size": 10**7}),
    "width of 9": recipe({"model.hidden_size": 9}),
    "width of 0": recipe({"model.hidden_size": 0}),
    "negative width": recipe({"model.hidden_size": -8}),
    "width as text": recipe({"model.hidden_size": "8"}),
    "fractional width": recipe({"model.hidden_size": 8.0}),
    "a million layers": recipe({"model.layers": 10**6}),
    "other cell": recipe({"model.cell": "lstm"}),
    "unknown setting of the model": recipe({"model.nothing": 1}),
    "nested setting": recipe({"model": {"hidden_size": 8}}),
    "batch of 10^9": recipe({"training.batch_size": 10**9}),
    "batch of 17": recipe({"training.batch_size": 17}),
    "negative batch": recipe({"training.batch_size": -1}),
    "unknown setting of training": recipe({"training.nothing": 1}),
    "rate as text": recipe({"optimizer.learning_rate": "fast"}),
    "negative rate": recipe({"optimizer.learning_rate": -1.0}),
    "unknown setting of the optimizer": recipe({"optimizer.nothing": 1}),
    "setting of the task": recipe({"task.zeros": "hard"}),
    "setting of Python": recipe({"__class__": 1}),
    "setting without a name": recipe({"": 1}),
    "recipe as a list": recipe(["model.hidden_size"]),
    "recipe of none": recipe(None),
    "number in place of a tensor": values({"0/exp_avg": 1.0}),
    "number of steps in place of a tensor": values({"0/step": 10**9}),
    "unknown entry": values({"0/strange": 1}),
    "entry of an unknown parameter": values({"99/step": 1}),
    "entry of a negative parameter": values({"-1/step": 1}),
    "entry of no parameter": values({"x": 1}),
    "carried state as a number": values({"state/0": 1}),
    "entries as a list": values([1]),
    "entries of none": values(None),
    "trial as text": learner(trial="x"),
    "unknown field of the learner": learner(optimizer=None),
    "optimizer as it was nested before": learner(optimizer={"param_groups": [], "values": {}}),
}
"""Sizes and settings that no run of the experiment comes to."""


def tensors(file: str) -> Callable[[Callable[[Tensors], object]], MakeUp]:
    def changed(change: Callable[[Tensors], object]) -> MakeUp:
        def make_up(checkpoint: Path) -> None:
            found = dict(load_file(checkpoint / f"{file}.safetensors"))
            change(found)
            save_file(found, checkpoint / f"{file}.safetensors")
            sign_files(checkpoint)

        return make_up

    return changed


def content(file: str, text: bytes) -> MakeUp:
    def make_up(checkpoint: Path) -> None:
        (checkpoint / file).write_bytes(text)
        sign_files(checkpoint)

    return make_up


model, optimizer = tensors("model"), tensors("optimizer")


def first(found: Tensors) -> str:
    return min(found)


TENSORS: dict[str, MakeUp] = {
    "one too few": model(lambda found: found.pop(first(found))),
    "one too many": model(lambda found: found.update(more=torch.zeros(3))),
    "name of a path": model(lambda found: found.update({"../../x": found.pop(first(found))})),
    "larger one": model(lambda found: found.update({first(found): torch.zeros(1000, 1000)})),
    "empty one": model(lambda found: found.update({first(found): torch.zeros(0)})),
    "smaller one": model(
        lambda found: found.update({first(found): found[first(found)].flatten()[:-1]})
    ),
    "none": model(dict.clear),
    "larger moment": optimizer(lambda found: found.update({"0/exp_avg": torch.zeros(1000)})),
    "unknown moment": optimizer(lambda found: found.update({"0/strange": torch.zeros(1)})),
    "moment of an unknown parameter": optimizer(
        lambda found: found.update({"99/exp_avg": torch.zeros(1)})
    ),
    "moment of a negative parameter": optimizer(
        lambda found: found.update({"-1/exp_avg": torch.zeros(1)})
    ),
    "moment of no parameter": optimizer(lambda found: found.update({"exp_avg": torch.zeros(1)})),
    "moment of a moment": optimizer(lambda found: found.update({"0/exp_avg/x": torch.zeros(1)})),
    "larger step": optimizer(lambda found: found.update({"0/step": torch.zeros(9)})),
    "missing moment": optimizer(lambda found: found.pop("0/exp_avg_sq")),
    "carried state": optimizer(lambda found: found.update({"state/0": torch.zeros(1, 16, 8)})),
    "carried state without a number": optimizer(
        lambda found: found.update({"state/x": torch.zeros(1)})
    ),
    "empty file": content("model.safetensors", b""),
    "pickle": content("model.safetensors", b"\x80\x04K\x01."),
    "no header": content("model.safetensors", b"\xff" * 64),
}
"""Tensors that are not the model's, or its optimizer's."""


def sparse(file: str, name: str, *, there: bool) -> MakeUp:
    """A safetensors file that claims to be huge, and takes next to no room."""
    size = [1, 25, 10**9]

    def make_up(checkpoint: Path) -> None:
        entry = {"dtype": "F32", "shape": size, "data_offsets": [0, 4 * prod(size)]}
        header = json.dumps({name: entry})
        with (checkpoint / f"{file}.safetensors").open("wb") as target:
            target.write(struct.pack("<Q", len(header)) + header.encode())
            if there:
                target.truncate(target.tell() + 4 * prod(size))

    return make_up


def header(size: int) -> MakeUp:
    """A header that says it is so long."""

    def make_up(checkpoint: Path) -> None:
        with (checkpoint / "model.safetensors").open("r+b") as file:
            file.write(struct.pack("<Q", size))
            file.truncate(2**33)

    return make_up


def truncated(name: str) -> MakeUp:
    return lambda checkpoint: os.truncate(checkpoint / name, 10**11)


HUGE_TENSORS = (("model", "head.weight"), ("optimizer", "0/exp_avg"), ("optimizer", "state/0"))
HUGE: dict[str, MakeUp] = {
    **{
        f"{name} of 100 GB{', there' if there else ''}": sparse(file, name, there=there)
        for file, name in HUGE_TENSORS
        for there in (False, True)
    },
    **{f"header of {size} bytes": header(size) for size in (2**62, 2**63 + 8, 99_999_999)},
    **{f"{name} of 100 GB": truncated(name) for name in ("state.json", "digest.json")},
}
"""Files whose size is refused before they are read; their digests were never computed."""

DEEP = "[" * 10**6 + "]" * 10**6
STATES = {
    "deep list": DEEP,
    "deep state": '{"state": ' + DEEP + ', "learner": {}}',
    "deep scheduler": (
        '{"state": {"scheduler": ' + '{"a": ' * 900 + "1" + "}" * 900 + '}, "learner": {}}'
    ),
    "learner as a list": '{"state": {}, "learner": []}',
    "list": "[]",
    "null": "null",
    "infinity": "1e999",
    "byte order mark": "\ufeff{}",
    "5000 digits": '{"state": ' + "9" * 5000 + "}",
}
DIGESTS = {
    "list": "[]",
    "null": "null",
    "text": '"x"',
    "list of digests": '{"model.safetensors": ["x"]}',
    "deep list": DEEP,
}


def digests(text: str) -> MakeUp:
    return lambda checkpoint: (checkpoint / "digest.json").write_text(text)


HOSTILE: dict[str, MakeUp] = {
    **{f"size: {name}": make_up for name, make_up in SIZES.items()},
    **{f"tensors: {name}": make_up for name, make_up in TENSORS.items()},
    **{f"huge: {name}": make_up for name, make_up in HUGE.items()},
    **{f"state: {name}": content("state.json", text.encode()) for name, text in STATES.items()},
    **{f"digests: {name}": digests(text) for name, text in DIGESTS.items()},
}
TO_THE_END = (
    "size: length of 10^12",
    "size: width of 10^7",
    "tensors: larger moment",
    "huge: head.weight of 100 GB, there",
    "state: deep list",
    "digests: list",
)
"""One of each group, and of each file."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_checkpoint_is_refused(run: StoppedRun, name: str) -> None:
    HOSTILE[name](run.folder.checkpoint_folders()[-1])
    check_refused(run)


def check_ends_as_it_would_have(run: StoppedRun) -> None:
    result = run.resume()
    assert result.weights_sha256 == run.weights_sha256
    assert run.recorded() == run.events


@pytest.mark.parametrize("name", TO_THE_END)
def test_a_run_with_a_hostile_checkpoint_ends_as_it_would_have(run: StoppedRun, name: str) -> None:
    HOSTILE[name](run.folder.checkpoint_folders()[-1])
    check_ends_as_it_would_have(run)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", HOSTILE)
def test_every_run_with_a_hostile_checkpoint_ends_as_it_would_have(
    run: StoppedRun, name: str
) -> None:
    HOSTILE[name](run.folder.checkpoint_folders()[-1])
    check_ends_as_it_would_have(run)


@pytest.mark.parametrize("parent", ["../../../secret/000002", "..", ".", "000002/../000002", "/"])
def test_nothing_is_read_outside_of_the_runs_folder(
    run: StoppedRun, tmp_path: Path, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newest = run.folder.checkpoint_folders()[-2:]
    secret = tmp_path / "secret"
    shutil.copytree(run.folder.checkpoint_folders()[1], secret / "000002")
    change_and_sign(newest, lambda content: content["state"].update(parent=parent))
    own, opened = str(run.folder.path), list[str]()
    os_open = os.open

    def noted(path: Any, *rest: Any, **more: Any) -> int:
        opened.append(str(Path(path).resolve()))
        return os_open(path, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", noted)
        check_resumed_from_the_one_before(run, older, newest)
    assert opened
    assert all(path.startswith(own) for path in opened)
    assert (secret / "000002" / "model.safetensors").exists()  # nor is anything deleted there


def test_the_target_of_a_link_is_left_alone(run: StoppedRun, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("keep")
    (run.folder.checkpoints / "000009").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="000009 is a symbolic link, which no run writes"):
        run.resume()
    assert (elsewhere / "mine").read_text() == "keep"


def test_a_run_is_computed_anew_where_all_its_checkpoints_are_hostile(run: StoppedRun) -> None:
    for checkpoint in run.folder.checkpoint_folders():
        SIZES["width of 10^7"](checkpoint)
    with pytest.raises(UsageError, match="which no search of the run can give"):
        curriculum.load("last", store=run.root)
    check_ends_as_it_would_have(run)


@dataclass(frozen=True)
class Code:
    """What our own modules import, and what they call with which keywords; by module."""

    imports: list[tuple[str, set[str]]]
    calls: list[tuple[str, str, set[str | None]]]


@cache
def code() -> Code:
    found = Code([], [])
    for folder in ("curriculum", "tasks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    found.imports.append((name, {alias.name for alias in node.names}))
                elif isinstance(node, ast.ImportFrom):
                    parts = {f"{node.module}.{alias.name}" for alias in node.names}
                    found.imports.append((name, {node.module or "", *parts}))
                elif isinstance(node, ast.Call):
                    keywords = {keyword.arg for keyword in node.keywords}
                    found.calls.append((name, ast.unparse(node.func), keywords))
    return found


FORBIDDEN_MODULES = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml",
    "runpy", "code", "codeop", "imp", "ctypes", "torch.hub", "torch.package", "torch.jit",
    "torch.serialization",
}  # fmt: skip
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "execfile", "breakpoint"}
FORBIDDEN_METHODS = {
    "torch.load", "torch.save", "yaml.load", "np.load", "numpy.load", "np.loadtxt", "os.system",
    "os.popen", "load_state_dict_from_url", "recv", "loads_pickle",
}  # fmt: skip
PRETRAINED = {  # folders that the user names: by which keywords nothing is fetched or unpickled
    "curriculum.models.hugging_face_network": {"local_files_only", "use_safetensors"},
    "curriculum.data.tokenizer": {"local_files_only"},
    "curriculum.models.exported_tokenizer": {"local_files_only"},
}
MAY_LOAD = {"np.load": "curriculum.data.series"}  # the user's arrays; by default without pickles
MAY_IMPORT = {
    "exec_module": {"curriculum.config.discovery"},  # a file that the user names
    "import_module": {  # our own modules
        "curriculum.config.discovery",
        "curriculum.config.serialization",
    },
}


def test_no_file_on_disk_is_ever_executed() -> None:
    for name, modules in code().imports:
        assert not modules & FORBIDDEN_MODULES, name
    for name, called, keywords in code().calls:
        last = called.rpartition(".")[2]
        assert called not in FORBIDDEN_CALLS, f"{name}: {called}"
        if MAY_LOAD.get(called) != name:
            assert not {called, last} & FORBIDDEN_METHODS, f"{name}: {called}"
        assert name in MAY_IMPORT.get(last, {name}), f"{name}: {called}"
        assert not keywords & {"allow_pickle", "shell", "trust_remote_code"}, f"{name}: {called}"
        if last == "from_pretrained":
            assert PRETRAINED.get(name, {"never"}) <= keywords, f"{name}: {called}"


def test_the_forbidden_names_are_searched_in_the_form_that_code_has() -> None:
    """The names in use are those that are looked for."""
    found = {called for _, called, _ in code().calls}
    assert "importlib.import_module" in found
    assert "spec.loader.exec_module" in found
    assert "pipe.recv_bytes" in found
    assert any("safetensors.torch" in modules for _, modules in code().imports)
