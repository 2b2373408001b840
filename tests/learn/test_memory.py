import pytest
import torch

from curriculum.learn import OUT_OF_MEMORY, is_out_of_memory


@pytest.mark.parametrize(
    ("error", "out"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), True),
        (MemoryError(), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            True,
        ),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("can't allocate memory"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_errors_that_mean_a_lack_of_memory_are_recognised(error: BaseException, out: bool) -> None:
    assert is_out_of_memory(error) == out
    assert isinstance(error, OUT_OF_MEMORY) or not out


def test_torchs_own_error_on_a_cpu_is_recognised() -> None:
    with pytest.raises(OUT_OF_MEMORY) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
