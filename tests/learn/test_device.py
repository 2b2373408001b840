"""Which device a name means, and how data get there; CUDA's functions are replaced, as there may be none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from curriculum import UsageError
from curriculum.learn import resolve_device, to_device
from curriculum.learn.device import on_device

CPU = torch.device("cpu")


@pytest.fixture
def two_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two GPUs, the second of which is the current one."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)


def test_without_any_other_there_is_the_cpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device("auto") == resolve_device("cpu") == CPU
    for name in ("cuda", "cuda:0", "mps"):
        with pytest.raises(UsageError, match=f"device {name} is not available: torch finds no"):
            resolve_device(name)
    # A launcher's number says nothing of the CPU.
    assert resolve_device("auto", {"LOCAL_RANK": "many"}) == CPU


@pytest.mark.parametrize("name", ["tpu", "cuda:", "cuda:one", "cuda:-1", "cpu:0", "mps:0", ""])
def test_other_names_are_refused(name: str, two_devices: None) -> None:
    with pytest.raises(UsageError, match="must be auto, cpu, cuda, cuda:N or mps, got") as caught:
        resolve_device(name)
    assert repr(name) in str(caught.value)


def test_mps_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("mps") == torch.device("mps")
    assert resolve_device("auto") == CPU


@pytest.mark.parametrize("name", ["auto", "cuda"])
@pytest.mark.parametrize(
    ("environment", "index"), [({}, 1), ({"LOCAL_RANK": "0"}, 0), ({"LOCAL_RANK": "1"}, 1)]
)
def test_cuda_is_the_launchers_device_or_the_current_one(
    name: str, environment: dict[str, str], index: int, two_devices: None
) -> None:
    assert resolve_device(name, environment) == torch.device("cuda", index)


def test_a_named_device_is_taken_whatever_a_launcher_says(two_devices: None) -> None:
    assert resolve_device("cuda:0", {"LOCAL_RANK": "1"}) == torch.device("cuda", 0)
    assert resolve_device("cuda:1", {"LOCAL_RANK": "x"}) == torch.device("cuda", 1)


def test_the_launchers_number_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, two_devices: None
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert resolve_device("cuda") == torch.device("cuda", 0)


@pytest.mark.parametrize("rank", ["x", "-1", "", "1.0", "²"])
def test_a_launchers_number_that_is_none_is_refused(rank: str, two_devices: None) -> None:
    with pytest.raises(UsageError, match=r"LOCAL_RANK in the environment must be .* from 0, got"):
        resolve_device("cuda", {"LOCAL_RANK": rank})


def test_a_device_beyond_those_there_are_is_refused(
    monkeypatch: pytest.MonkeyPatch, two_devices: None
) -> None:
    with pytest.raises(UsageError, match="cuda:2 is not available: torch finds 2 CUDA devices"):
        resolve_device("cuda:2")
    with pytest.raises(UsageError, match="is 2, and torch finds 2 CUDA devices, from cuda:0 on;"):
        resolve_device("cuda", {"LOCAL_RANK": "2"})
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UsageError, match="torch finds the CUDA device cuda:0 alone; start no more"):
        resolve_device("auto", {"LOCAL_RANK": "1"})


class Transfers:
    """What was asked of a tensor on its way to a device."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[Any] = []
        self.current: torch.device | None = None
        monkeypatch.setattr(torch.cuda, "device", self.device)
        monkeypatch.setattr(torch.Tensor, "pin_memory", self.pin_memory)
        monkeypatch.setattr(torch.Tensor, "to", self.to)

    @contextmanager
    def device(self, device: torch.device) -> Iterator[None]:
        self.current = device
        yield
        self.current = None

    def pin_memory(self) -> Any:
        self.seen.append(("pinned", self.current))
        return torch.ones(3)

    def to(self, device: torch.device, non_blocking: bool = False) -> Any:
        self.seen.append((str(device), non_blocking))
        return torch.zeros(1)


def test_what_goes_to_a_gpu_without_waiting_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    transfers, gpu = Transfers(monkeypatch), torch.device("cuda", 1)
    on_device(np.ones(3), gpu)
    assert transfers.seen == [("pinned", gpu), ("cuda:1", True)]


def test_what_stays_on_the_cpu_is_not_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    transfers = Transfers(monkeypatch)
    to_device(torch.ones(3), CPU)
    assert transfers.seen == [("cpu", False)]


def test_non_blocking_is_asked_for_in_one_place() -> None:
    from pathlib import Path

    import curriculum

    root = Path(curriculum.__file__).parent
    asking = {path.name for path in root.rglob("*.py") if "non_blocking=" in path.read_text()}
    assert asking == {"device.py"}
