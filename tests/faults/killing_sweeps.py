"""Runs sweeps of which some process is killed: `python tests/faults/killing_sweeps.py FOLDER`.

It reads a job a line, forks, and lets the child carry out a command in FOLDER. The processes that this one
starts, workers and a mirror, are forked too, which saves loading torch and MLflow for each; all else of them is
as always. Any of them is killed where the job says: right before it touches the store at a point of that shape,
amid a write of its journal, before a statement in MLflow's database; or at a moment. While that goes on, and
after it, it asks how far the sweep is, as a user does in another terminal. It prints what came of all that.
"""

import contextlib
import importlib
import itertools
import json
import logging
import os
import pkgutil
import random
import re
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import matplotlib.pyplot  # noqa: F401
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
import optuna.samplers  # noqa: F401
import sqlalchemy
import torch._dynamo

import curriculum
from curriculum.cli.main import main
from curriculum.processes import serve
from curriculum.sweeps.worker import run_job

WRITES = {"open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}
ORPHAN_SECONDS = 10.0
"""In which workers have to end whose driver was killed."""

DRAIN_SECONDS = 90.0
"""In which a mirror has to, whose driver is gone."""

SHAPES = (
    (re.compile(r"(?<=uploading\.)\w+"), "TOKEN"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "TOKEN"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "COPY"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "RUN"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "SWEEP"),
    (re.compile(r"\b\d+\b"), "N"),
)


class Deaths:
    """Where this process is killed, and the processes that it starts.

    Attributes:
        role: `driver`, `worker` or `mirror`.
    """

    def __init__(self, job: dict[str, Any], notes: Path) -> None:
        self.role = "driver"
        self.store, self._notes, self._deaths = job["store"], notes, job["deaths"]
        self._counts = Counter[str]()
        self._trace = notes / "trace" if job["trace"] else None

    def begin(self, role: str) -> None:
        """Be a process of that role, which counts for itself."""
        self.role = role
        self._counts.clear()
        with (self._notes / "processes").open("a") as file:
            file.write(f"{os.getpid()} {role}\n")

    def pass_by(self, point: str, before: Callable[[], object] = lambda: None) -> None:
        """Die here, if this is the point; do something `before`."""
        shape = point.replace(self.store, "")
        for pattern, name in SHAPES:
            shape = pattern.sub(name, shape)
        self._counts[shape] += 1
        if self._trace is not None:
            with self._trace.open("a") as file:
                file.write(f"{self.role}\t{shape}\n")
        for number, death in enumerate(self._deaths):
            wanted = death["role"], death["shape"], death["number"]
            if wanted == (self.role, shape, self._counts[shape]):
                with contextlib.suppress(FileExistsError):
                    (self._notes / f"death {number}").touch(exist_ok=False)
                    before()
                    os.kill(os.getpid(), signal.SIGKILL)


armed: list[Deaths] = []
"""That of this process, unless it is the one that kills."""

os_write, os_sendfile = os.write, os.sendfile


def audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Pass by a point where the store is touched."""
    for deaths in armed:
        if event in WRITES and deaths.store in str(arguments[0]):
            deaths.pass_by(f"{event} {arguments[0]}")


def write(file: int, content: bytes) -> int:
    """Write; or die amid that."""
    half = partial(os_write, file, content[: len(content) // 2])
    pass_by_file("os.write", file, half)
    return os_write(file, content)


def sendfile(file: int, source: int, offset: int | None, count: int) -> int:
    """Copy a file, as shutil does; or die amid that."""
    half = partial(os_sendfile, file, source, offset, os.fstat(source).st_size // 2)
    pass_by_file("copy", file, half)
    return os_sendfile(file, source, offset, count)


def pass_by_file(what: str, file: int, half: Callable[[], object]) -> None:
    """Pass by a point where a file of the store is written, of which half is there then."""
    path = str(Path(f"/proc/self/fd/{file}").readlink())
    for deaths in armed:
        if deaths.store in path:
            deaths.pass_by(f"{what} {path}", half)


def execute(*arguments: Any) -> None:
    """Pass by a statement in a database."""
    for deaths in armed:
        deaths.pass_by("sql " + " ".join(arguments[2].split()[:3]))


def commit(_: object) -> None:
    """Pass by the end of a transaction."""
    for deaths in armed:
        deaths.pass_by("sql COMMIT")


class Forked:
    """What `subprocess.Popen` gives, of a process that is forked."""

    def __init__(self, role: str, carry_out: Callable[[], object], more: dict[str, Any]) -> None:
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            kept = {*more.get("pass_fds", ())}
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            for file in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
                if file > 2 and file not in kept:
                    with contextlib.suppress(OSError):
                        os.close(file)
            os.environ.update(more.get("env") or {})
            for logger in (logging.getLogger(), logging.getLogger("curriculum")):
                logger.handlers.clear()
            armed[0].begin(role)
            ended(carry_out)

    def poll(self) -> int | None:
        """The exit code, once there is one."""
        if self.returncode is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if done else None
        return self.returncode

    def wait(self) -> int:
        """Wait for it."""
        while self.poll() is None:
            time.sleep(0.005)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


popen: Any = subprocess.Popen


def start(command: Any, *arguments: Any, **more: Any) -> Any:
    """Start a process: forked, where that is a worker or a mirror."""
    words = [*map(str, command)]
    if "curriculum.sweeps.worker" in words:
        return Forked("worker", lambda: serve(words[-2:], {"run": run_job}), more)
    if "sync" in words:
        return Forked("mirror", lambda: main(words[words.index("sync") :]), more)
    return popen(command, *arguments, **more)


def ended(carry_out: Callable[[], object]) -> NoReturn:
    """Carry something out, and end this process."""
    code = 99
    try:
        code = int(carry_out() or 0)  # type: ignore[call-overload]
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def forked(words: list[str], output: Path, begin: Callable[[], object] = lambda: None) -> int:
    """Carry out a command in a process of its own; gives its number."""
    number = os.fork()
    if number == 0:
        os.setpgid(0, 0)
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(file, 1)
        os.dup2(file, 2)
        begin()
        ended(lambda: main(words))
    return number


class Trial:
    """A command that is carried out, and whose processes are killed."""

    def __init__(self, job: dict[str, Any], notes: Path) -> None:
        self._job, self._notes = job, notes
        self._told: list[dict[str, Any]] = []
        self._rng = random.Random(job["seed"])
        self._seen = 0
        self._driver = 0

    def carry_out(self) -> dict[str, Any]:
        """Carry it out, kill, and wait until all processes are gone."""
        self._notes.mkdir()
        began, moments, killed = time.monotonic(), list(self._job["moments"]), []
        self._driver = forked(self._job["words"], Path(self._job["output"]), self._begin)
        while not (done := os.waitpid(self._driver, os.WNOHANG))[0]:
            while moments and time.monotonic() - began > moments[0]["after"]:
                if not (found := self._members(moments[0]["role"])):
                    break  # it may still come
                moments.pop(0)
                (number, role) = self._rng.choice(sorted(found.items()))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
                    killed.append(role)
            self._ask_after_deaths(len(killed))
            time.sleep(0.002)
        code, seconds = os.waitstatus_to_exitcode(done[1]), time.monotonic() - began
        if code != -signal.SIGKILL and "driver" in killed:
            killed.remove("driver")  # it had come to its end the instant before
        self._ask()
        left = [] if self._job["at_once"] else self._drained()
        died = self._died()
        killed += [self._job["deaths"][number]["role"] for number in died]
        trace = self._notes / "trace"
        return {
            "code": code,
            "killed": killed,
            "died": died,
            "seconds": seconds,
            "told": self._told,
            "left": left,
            "trace": trace.read_text().splitlines() if trace.exists() else [],
        }

    def _begin(self) -> None:
        armed.append(Deaths(self._job, self._notes))
        armed[0].begin("driver")
        subprocess.Popen = start  # type: ignore[assignment, misc]
        os.write, os.sendfile = write, sendfile  # type: ignore[assignment]

    def _members(self, role: str = "") -> dict[int, str]:
        """The living processes of a role."""
        found = {}
        with contextlib.suppress(OSError):
            for line in (self._notes / "processes").read_text().splitlines():
                number, _, each = line.partition(" ")
                with contextlib.suppress(OSError):
                    stat = Path("/proc", number, "stat").read_text()
                    if stat.rpartition(")")[2].split()[0] != "Z" and role in ("", each):
                        found[int(number)] = each
        return found

    def _died(self) -> list[int]:
        return [int(path.name.split()[1]) for path in self._notes.glob("death *")]

    def _ask_after_deaths(self, killed: int) -> None:
        seen, self._seen = self._seen, killed + len(self._died())
        if self._seen > seen and self._members("worker"):
            self._ask()

    def _ask(self) -> None:
        """How far the sweeps are, as told; and whether one was driven before and after that."""
        output = self._notes / f"told {len(self._told)}"
        words = ["sweeps", "--json", "--store", self._job["store"]]
        is_driven = bool(self._members("driver"))
        _, status = os.waitpid(forked(words, output), 0)
        driven = {is_driven, bool(self._members("driver"))}
        text = output.read_text()
        code = os.waitstatus_to_exitcode(status)
        self._told.append({"code": code, "text": text, "driven": sorted(driven)})

    def _drained(self) -> list[str]:
        """The roles of processes that don't end by themselves in time; what is told once all others have."""
        until = time.monotonic() + ORPHAN_SECONDS
        while self._members("worker") and time.monotonic() < until:
            time.sleep(0.02)
        left = [*self._members("worker").values()]
        until = time.monotonic() + DRAIN_SECONDS
        while self._members("mirror") and time.monotonic() < until:
            time.sleep(0.02)
        left += self._members("mirror").values()
        self._ask()
        return left


def preload() -> None:
    """Load what any process of a sweep does, but for Ray."""
    for module in pkgutil.walk_packages(curriculum.__path__, "curriculum."):
        if ".ray" not in module.name and not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # optional libraries
                importlib.import_module(module.name)


if __name__ == "__main__":
    preload()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    os.chdir(sys.argv[1])
    sys.addaudithook(audit)
    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", execute)
    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", commit)
    for number, line in zip(itertools.count(), sys.stdin):
        found = Trial(
            json.loads(line), Path(f"notes {os.getpid()} {number}").absolute()
        ).carry_out()
        print(json.dumps(found), flush=True)
