"""How a worker and its parent talk, and how each notices that the other is gone."""

import contextlib
import errno
import gc
import json
import os
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from pathlib import Path

import pytest

from curriculum import RunFailed, UsageError
from curriculum.processes import (
    Message,
    Server,
    Worker,
    WorkerGone,
    WorkerNotStarted,
    python_command,
)
from curriculum.record import Lock

TESTS = str(Path(__file__).parent)


def is_held(path: Path) -> bool:
    with Lock(path) as lock:
        return not lock.acquire()


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker that runs `serving.py`."""
    monkeypatch.setenv("PYTHONPATH", TESTS)
    made = Worker("serving")
    yield made
    made.kill()


def until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_a_worker_whose_parent_is_gone_before_it_starts_ends_too(tmp_path: Path) -> None:
    # The request waits in the pipe; when the worker has started, and reads it, its parent is gone.
    code = (
        "import os; from curriculum.processes import Worker; worker = Worker('serving'); "
        f"worker.request('hang', {{'lock': {str(tmp_path / 'lock')!r}}}); "
        "print(worker._process.pid, flush=True); os._exit(0)"
    )
    started = subprocess.run(
        python_command("-c", code),
        check=True,
        env={**os.environ, "PYTHONPATH": TESTS},
        stdout=subprocess.PIPE,
        text=True,
    )
    command_line = Path("/proc") / started.stdout.strip() / "cmdline"
    assert until(lambda: not (command_line.exists() and command_line.read_bytes()))


def test_a_request_is_replied_to_with_content_and_blobs(
    worker: Worker, capfd: pytest.CaptureFixture[str]
) -> None:
    content = {"text": "größer\n", "numbers": [1, 2.5, None, True], "nested": {"one": {}}}
    blobs = (b"", bytes(range(256)), os.urandom(3_000_000))  # more than a pipe holds
    number = worker.request("echo", content, *blobs)
    message = worker.receive()
    assert message == Message(number, content, list(blobs[::-1]), last=True)
    assert capfd.readouterr() == ("", "")  # what it prints is no part of it


def test_progress_comes_before_the_reply(worker: Worker) -> None:
    number = worker.request("count", {"steps": 3})
    messages = [worker.receive() for _ in range(4)]
    assert [message.request for message in messages] == [number] * 4
    assert [message.content for message in messages] == [
        {"step": 0},
        {"step": 1},
        {"step": 2},
        {"done": True},
    ]
    assert [message.last for message in messages] == [False, False, False, True]


def test_requests_are_replied_to_in_their_order(worker: Worker) -> None:
    numbers = [worker.request("echo", {"place": place}, bytes([place])) for place in range(5)]
    assert len(set(numbers)) == 5
    messages = [worker.receive() for _ in numbers]
    assert [message.request for message in messages] == numbers
    assert [message.content["place"] for message in messages] == list(range(5))
    assert [message.blobs for message in messages] == [[bytes([place])] for place in range(5)]


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        ("usage", UsageError, "that went wrong"),
        ("failed", RunFailed, "that went wrong"),
        ("unknown", RuntimeError, "a worker failed:\nTraceback"),
        ("exit", RuntimeError, "a worker failed:\nTraceback"),
    ],
)
def test_an_error_is_raised_in_the_parent_and_the_worker_serves_on(
    kind: str, error: type[Exception], text: str, worker: Worker
) -> None:
    worker.request("fail", {"kind": kind})
    with pytest.raises(error) as caught:
        worker.receive()
    assert type(caught.value) is error
    assert str(caught.value).startswith(text)
    assert "that went wrong" in str(caught.value)
    number = worker.request("echo", {"again": 1})
    assert worker.receive() == Message(number, {"again": 1}, [], last=True)


def test_an_interrupt_is_the_parents_to_decide_on(worker: Worker) -> None:
    number = worker.request("interrupt", {})
    assert worker.receive() == Message(number, {}, [], last=True)


def test_an_interrupt_within_a_message_comes_after_it(worker: Worker) -> None:
    """What is left of it in the pipe would be taken for the next one."""
    ours, theirs = Pipe()
    texts = [json.dumps({"number": n, "last": True, "blobs": 0}).encode() for n in (1, 2)]

    def send() -> None:
        first, second = (struct.pack("!i", len(text)) + text for text in texts)
        os.write(theirs.fileno(), first[:7])
        time.sleep(0.3)  # by then the main thread is reading on
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        time.sleep(0.3)
        os.write(theirs.fileno(), first[7:] + second)

    theirs_was, worker.pipe = worker.pipe, ours
    thread = threading.Thread(target=send)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        worker.receive()
    thread.join()
    assert worker.receive() == Message(2, {}, [], last=True)
    worker.pipe = theirs_was
    for end in (ours, theirs):
        end.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_was_killed_is_gone(
    number: signal.Signals, worker: Worker, tmp_path: Path
) -> None:
    worker.request("hang", {"lock": str(tmp_path / "lock")})
    process = worker.receive().content["process"]
    if number is signal.SIGTERM:
        worker.terminate()
    else:
        os.kill(process, number)
    with pytest.raises(WorkerGone, match=rf"ended \(exit code -{number.value}\)"):
        worker.receive()
    with pytest.raises(WorkerGone, match=rf"ended \(exit code -{number.value}\)"):
        worker.request("echo", {})


def test_a_worker_can_be_killed_whatever_it_does(worker: Worker, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    worker.request("hang", {"lock": str(lock)})
    assert not worker.receive().last
    assert is_held(lock)
    worker.kill()
    assert not is_held(lock)
    worker.kill()  # twice does no harm


def test_an_idle_worker_ends_when_the_pipe_is_closed(worker: Worker) -> None:
    worker.request("echo", {})
    worker.receive()
    worker.close()
    waiting = threading.Thread(target=worker.wait, daemon=True)
    waiting.start()
    waiting.join(30)
    assert not waiting.is_alive()


PARENT = """\
import sys, time
from curriculum.processes import Worker
worker = Worker("serving")
worker.request("hang", {"lock": sys.argv[1]})
print(worker.receive().content["process"], flush=True)
time.sleep(600)
"""


def test_a_busy_worker_ends_when_its_parent_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", TESTS)
    lock = tmp_path / "lock"
    command = python_command("-c", PARENT, str(lock))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        process = int(parent.stdout.readline())
        try:
            assert is_held(lock)
            parent.kill()
            parent.wait()
            assert until(lambda: not is_held(lock))
        finally:
            if is_held(lock):
                os.kill(process, signal.SIGKILL)


def test_a_users_file_takes_the_place_of_no_library(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError('a user's own')")
    command = python_command("-c", "import json; print(json.dumps([]))")
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("[]\n", "")


SERVER = """\
import os, sys
from pathlib import Path
alone = os.getsid(0) != int(sys.argv[2])
Path(sys.argv[1]).write_text(f"{os.environ['GIVEN']} {os.environ['KEPT']} {alone}")
"""


def test_a_server_gets_its_arguments_and_environment_in_a_session_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIVEN", "before")
    monkeypatch.setenv("KEPT", "kept")
    path = tmp_path / "found.txt"
    server = Server(
        name="a server",
        arguments=["-c", SERVER, str(path), str(os.getsid(0))],
        port=5000,
        environment={"GIVEN": "given"},
    )
    assert server.start().wait() == 0
    assert path.read_text() == "given kept True"


STARTER = """\
import sys, time
from curriculum.processes import Server
Server(name="", arguments=["-c", sys.argv[1]], port=1).start()
print("started", flush=True)
time.sleep(600)
"""
STUBBORN = """\
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "marked as {mark}"])
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM])
def test_a_server_and_all_that_it_starts_end_with_the_process_that_started_it(
    number: signal.Signals, tmp_path: Path
) -> None:
    mark = tmp_path.name
    command = python_command("-c", STARTER, STUBBORN.format(mark=mark))
    starter = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"started\n"
    assert until(lambda: len(processes_with(f"marked as {mark}")) > 2)
    starter.send_signal(number)
    starter.wait()
    starter.stdout.close()
    assert until(lambda: not processes_with(f"marked as {mark}"), 20)


def processes_with(words: str) -> list[int]:
    """The processes in whose arguments there are these words."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if words.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EAGAIN, r"can't be started \(Resource temporarily unavailable\); .* fewer --jobs"),
        (errno.ENOMEM, r"can't be started \(Cannot allocate memory\); .* fewer --jobs"),
        (errno.ENOENT, r"can't be started \(No such file or directory\)$"),
    ],
)
def test_a_worker_that_the_system_does_not_start_is_a_sentence(
    number: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    opened = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr("subprocess.Popen", refuse)
    with pytest.raises(WorkerNotStarted, match=message) as caught:
        Worker("serving")
    assert caught.value.is_passing is (number != errno.ENOENT)
    del caught
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) == opened


def test_a_parent_that_is_killed_amid_a_message_ends_its_worker_in_silence(
    worker: Worker, capfd: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps({"request": "echo", "number": 0, "blobs": 0}).encode()
    os.write(worker.pipe.fileno(), (struct.pack("!i", len(text)) + text)[:9])
    worker.close()
    worker.wait()
    assert capfd.readouterr().err == ""
