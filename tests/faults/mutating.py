"""Damages runs on disk in any way, and uses them: `python tests/faults/mutating.py TEMPLATE FOLDER`.

TEMPLATE is a store with one run that was stopped. For each seed that it reads, a line each, it copies that
store, mutates a file or a folder of it as the seed says, and forks children, each with a command and a time
limit; it prints what came of that. Forking saves loading torch for each.
"""

import contextlib
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna.samplers  # noqa: F401
import torch._dynamo

import curriculum.models.recurrent_network
import curriculum.record.provenance
import curriculum.runner.loop
import curriculum.tracking
from curriculum.cli.main import main
from curriculum.record import History, RunFolder, Store

SECONDS = 60
MOST_MEMORY = 6 << 30
COMMANDS = ("explain", "show", "runs", "compare", "certify", "sync", "rm", "check")
CHECK = b',"check":"%08x"}\n'

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 10**9, 10**30, -0.5, 1e300, 0.1, "", "x", "[/nope]",
    "[red]a[/red]", "$\\frac{1}$", "\x1b[31m\x00", "é\udcff",
    "../../../canary", "a" * 5000, "=1+1", [], [[]], ["x"], {}, {"x": 1}, [None] * 50,
)  # fmt: skip
"""What a value becomes in a mutation that keeps JSON and its checks whole."""


RAW = (
    "flip", "flip", "cut", "zero", "empty", "more", "noise", "swap", "gone", "pipe", "link", "loop",
    "device", "folder", "folder gone", "folder linked",
)  # fmt: skip
"""What becomes of a file, or of its folder."""


def places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all values of nested JSON."""
    found = [path] if path else []
    if isinstance(content, dict):
        for key, value in content.items():
            found += places(value, (*path, key))
    elif isinstance(content, list):
        for number, value in enumerate(content[:5]):
            found += places(value, (*path, number))
    return found


def change(rng: random.Random, content: Any) -> str:
    """Change, remove, add or exchange a value of nested JSON; says what."""
    path = rng.choice(places(content) or [()])
    if not path:
        return "nothing"
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    how = rng.choice(["value", "value", "value", "remove", "add", "number"])
    if how == "remove":
        del parent[path[-1]]
        return f"removed {path}"
    if how == "add":
        target = parent[path[-1]]
        if isinstance(target, dict):
            target["stranger"] = 1
            return f"added to {path}"
    value = rng.choice(ODD)
    if how == "number" and isinstance(parent[path[-1]], int | float):
        value = parent[path[-1]] * rng.choice([-1, 2, 1000]) + rng.choice([0, 1])
    parent[path[-1]] = value
    return f"{path} = {str(value)[:40]!r}"


def formed_description(rng: random.Random, folder: RunFolder) -> str:
    """Another `run.json`, with a check that says it is right."""
    path = folder.path / "run.json"
    content = json.loads(path.read_text())
    del content["check"]
    said = change(rng, content)
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**content, "check": digest}, indent=1))
    return f"run.json {said}"


def formed_journal(rng: random.Random, folder: RunFolder) -> str:
    """Another record, or fewer, or more of them; each with a check that says it is right."""
    lines = [json.loads(line) for line in folder.journal.read_bytes().splitlines()]
    number = rng.randrange(len(lines))
    how = rng.choice(["change", "change", "change", "drop", "repeat", "swap", "cut"])
    said = f"journal {how} {number}"
    if how == "change":
        said += f" {change(rng, lines[number])}"
    elif how == "drop":
        del lines[number]
    elif how == "repeat":
        lines.insert(number, lines[number])
    elif how == "cut":
        del lines[number:]
    else:
        other = rng.randrange(len(lines))
        lines[number], lines[other] = lines[other], lines[number]
    content = b""
    for line in lines:
        if isinstance(line, dict):
            line = {key: value for key, value in line.items() if key != "check"}  # noqa: PLW2901
        body = json.dumps(line, separators=(",", ":")).encode()[:-1]
        content += body + CHECK % zlib.crc32(body, len(content) & 0xFFFFFFFF)
    folder.journal.write_bytes(content)
    return said


def formed_state(rng: random.Random, folder: RunFolder) -> str:
    """Another state of a checkpoint, with a digest that says it is right."""
    checkpoint = rng.choice(sorted(folder.checkpoints.iterdir())[-2:])
    path = checkpoint / "state.json"
    content = json.loads(path.read_text())
    said = change(rng, content)
    path.write_text(json.dumps(content, indent=1))
    digests = json.loads((checkpoint / "digest.json").read_text())
    digests["state.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (checkpoint / "digest.json").write_text(json.dumps(digests))
    return f"{checkpoint.name}/state.json {said}"


def formed_note(rng: random.Random, folder: RunFolder) -> str:
    """Another note of how the run stopped."""
    path = folder.path / "stopped.json"
    content = json.loads(path.read_text())
    said = change(rng, content)
    path.write_text(json.dumps(content))
    return f"stopped.json {said}"


def raw(rng: random.Random, folder: RunFolder) -> str:
    """A file as a bad disk, a bad copy or a bad person leaves it; or a folder."""
    root = folder.path.parents[1]
    files = sorted(path for path in root.rglob("*") if path.is_file())
    path = rng.choice(files)
    content = path.read_bytes()
    how = rng.choice(RAW)
    said = f"{how} {path.relative_to(root)}"
    place = rng.randrange(len(content) or 1)
    changed = {
        "flip": content[:place] + bytes([rng.randrange(256)]) + content[place + 1 :],
        "cut": content[:place],
        "zero": bytes(len(content)),
        "empty": b"",
        "more": content + content[place:],
        "noise": rng.randbytes(200),
        "swap": rng.choice(files).read_bytes(),
    }
    canary = root.parent / "canary"
    if how in changed:
        path.write_bytes(changed[how])
        return said
    if how.startswith("folder "):
        path = path.parent
        said = f"{how} {path.relative_to(root)}"
        if path == root:
            return "nothing"
        shutil.rmtree(path)
        if how == "folder linked":
            path.symlink_to(canary)
        return said
    path.unlink()
    if how == "pipe":
        os.mkfifo(path)
    elif how == "link":
        path.symlink_to(canary / "mine")
    elif how == "loop":
        path.symlink_to(path)
    elif how == "device":
        path.symlink_to("/dev/zero")
    elif how == "folder":
        path.mkdir()
    return said


FORMED: tuple[Callable[[random.Random, RunFolder], str], ...] = (
    formed_description,
    formed_journal,
    formed_state,
    formed_note,
)


def call(words: list[str], output: Path) -> tuple[int, float]:
    """The exit code of a command in a child, 99 for a traceback, -14 for one that took too long."""
    began = time.monotonic()
    number = os.fork()
    if number == 0:
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        code = 99
        try:
            code = main(words)
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 98
        except BaseException:
            traceback.print_exc()
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    _, status = os.waitpid(number, 0)
    return os.waitstatus_to_exitcode(status), time.monotonic() - began


def state(folder: Path) -> str:
    """A digest of the names, times and contents of all that is in a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found.update(f"{path.relative_to(folder)} {path.lstat().st_mtime_ns}".encode())
        if path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()


def work(seed: int, template: Path, folder: Path) -> dict[str, Any]:
    """What comes of one mutation: of `resume`, and of another command."""
    rng = random.Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder / "store", symlinks=True)
    canary = folder / "canary"
    for name in ("mine", "000001/state.json", ".000002.new/mine", "checkpoints/mine"):
        (canary / name).parent.mkdir(parents=True, exist_ok=True)
        (canary / name).write_text(name)
    before = state(canary)
    run = Store(folder / "store").find("last")
    kind = rng.choice(["raw", "formed"])
    said = (raw if kind == "raw" else rng.choice(FORMED))(rng, run)
    where = ["--store", str(folder / "store")]
    other = COMMANDS[seed % len(COMMANDS)]
    about = {
        "runs": [],
        "check": [],
        "compare": ["stopped"],
        "rm": [run.id, "--yes"],
        "sync": [run.id],
    }.get(other, [run.id])
    found: dict[str, Any] = {"seed": seed, "kind": kind, "mutation": said, "calls": []}
    calls = [["resume", run.id], [other, *about]]
    if rng.random() < 0.5:
        calls.reverse()
    for words in calls:
        output = folder / "output"
        code, seconds = call([*words, *where], output)
        text = output.read_text(errors="replace")
        found["calls"].append(
            {"command": words[0], "code": code, "seconds": round(seconds, 2), "output": text}
        )
    found["canary"] = state(canary) == before
    found["weights"] = None
    with contextlib.suppress(Exception):  # whatever a damaged run says of its end
        end = History.of(run).end
        found["weights"] = None if end is None else end.weights_sha256
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    setattr(curriculum.tracking, "start_mirror", lambda *_: None)  # noqa: B010
    setattr(curriculum.record.provenance, "git_commit", lambda _: None)  # noqa: B010
    for line in sys.stdin:
        print(json.dumps(work(int(line), Path(sys.argv[1]), Path(sys.argv[2]))), flush=True)
