"""Torch inside a run: as every run has it, whatever the caller has set, and as it was after it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import torch

from curriculum import UsageError
from curriculum.learn import default_threads, flushes_denormal, isolated
from curriculum.processes import usable_cores


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    yield
    torch.set_default_dtype(before)


@contextmanager
def default_device(device: str) -> Iterator[None]:
    torch.set_default_device(device)
    yield
    torch.set_default_device(None)


SURROUNDINGS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "float64": lambda: default_dtype(torch.float64),
    "default device": lambda: default_device("meta"),
    "device": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}


def trained() -> torch.Tensor:
    """What depends on all that a caller may set."""
    weights = torch.ones(3, 3, requires_grad=True)
    (weights @ torch.full((3, 1), 1 / 3)).sum().backward()  # type: ignore[no-untyped-call]
    assert weights.grad is not None
    return weights.grad


@pytest.mark.parametrize("around", SURROUNDINGS.values(), ids=list(SURROUNDINGS))
def test_inside_all_is_as_ever_whatever_surrounds_it(
    around: Callable[[], AbstractContextManager[object]],
) -> None:
    wanted = trained()
    with around():
        with isolated(1):
            found = trained()
        gradients, device = torch.is_grad_enabled(), torch.empty(0).device
    assert found.dtype == torch.float32
    assert torch.equal(found, wanted)
    with around():
        assert (torch.is_grad_enabled(), torch.empty(0).device) == (gradients, device)


def test_threads_denormals_and_dtype_are_as_they_were_after_it() -> None:
    before = torch.get_num_threads()
    with default_dtype(torch.float64):
        with isolated(before + 1):
            assert torch.get_num_threads() == before + 1
            assert flushes_denormal()
            assert torch.get_default_dtype() == torch.float32
        assert torch.get_default_dtype() == torch.float64
    with pytest.raises(ZeroDivisionError), isolated(before + 1):
        _ = 1 / 0
    assert torch.get_num_threads() == before
    assert not flushes_denormal()


def test_one_thread_of_a_process_at_a_time_and_that_one_as_often_as_it_will() -> None:
    messages = []

    def other() -> None:
        try:
            with isolated(1):
                messages.append("inside")
        except UsageError as error:
            messages.append(str(error))

    with isolated(1), isolated(1):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(messages) == 1
    assert "another thread of this process" in messages[0]
    other()
    assert messages[1] == "inside"


def test_cores_are_those_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {1, 4, 5}, raising=False)
    assert usable_cores() == 3
    assert (default_threads(63), default_threads(64)) == (1, 3)
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert usable_cores() == 1
