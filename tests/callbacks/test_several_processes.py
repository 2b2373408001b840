"""Two processes on one machine, which talk by gloo, decide as one does."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("one_of_several.py")


def trained(size: int, folder: Path, loop: str) -> list[dict[str, Any]]:
    """What each process of a training has decided and logged."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    processes = []
    for rank in range(size):
        group = {"RANK": rank, "LOCAL_RANK": rank, "NODE_RANK": 0, "WORLD_SIZE": size}
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
        own = {name: str(value) for name, value in (group | address).items()} if size > 1 else {}
        command = [sys.executable, str(SCRIPT), str(rank), str(size), str(folder), loop]
        processes.append(
            subprocess.Popen(
                command,
                env=os.environ | own | {"ACCELERATE_USE_CPU": "true"},
                stderr=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    try:
        said = [process.communicate(timeout=200) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, err) in zip(processes, said, strict=True):
        assert process.returncode == 0, err[-3000:]
    return [json.loads((folder / f"{size}-{rank}.json").read_text()) for rank in range(size)]


@pytest.mark.slow
def test_two_processes_decide_as_one(tmp_path: Path) -> None:
    first, second = trained(2, tmp_path, "bare")
    assert first["scheduler"] == second["scheduler"] == first["alone"]["scheduler"]
    assert first["decision"] == second["decision"] == first["alone"]["decision"]
    assert first["logged"] == second["logged"] == first["alone"]["logged"]
    verdicts = [numbers["curriculum/verdict"] for _, numbers in first["logged"]]
    assert verdicts.count(1.0) == 3
    assert verdicts.count(0.0) > 0
    # Where one process fails to evaluate, none waits for it.
    told = "RunFailed: process 1 failed to evaluate: ValueError: no examples here"
    assert first["failing"] == [told]
    assert second["failing"] == ["ValueError: no examples here"]


@pytest.mark.parametrize(
    "loop",
    [
        pytest.param("accelerate", marks=pytest.mark.slow),
        pytest.param("hugging_face", marks=pytest.mark.exhaustive),
        pytest.param("lightning", marks=pytest.mark.exhaustive),
    ],
)
def test_two_processes_of_a_library_resumed_decide_as_one_in_one_go(
    loop: str, tmp_path: Path
) -> None:
    (alone,) = trained(1, tmp_path, loop)
    first, second = trained(2, tmp_path, loop)
    assert first["scheduler"] == second["scheduler"] == alone["scheduler"]
    assert first["decision"] == second["decision"] == alone["decision"]
    assert first["scheduler"]["finished"]
    assert first["logged"] == alone["logged"]
    verdicts = {step: _verdict(numbers) for step, numbers in alone["logged"]}
    assert verdicts == {5: 0, 10: 0, 15: 0, 20: 1, 25: 1, 30: 1}  # interrupted after step 22


def _verdict(numbers: Any) -> float:
    found: float = numbers["curriculum/verdict"] if isinstance(numbers, dict) else numbers
    return found
