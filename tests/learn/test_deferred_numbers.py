"""Numbers that are read late, and then together."""

import torch
from waiting import counting_waits

from curriculum.learn.deferred_numbers import DeferredNumbers


def test_the_first_that_is_read_brings_all_that_wait() -> None:
    numbers = DeferredNumbers()
    with counting_waits() as waits:
        first, second = (numbers.add(torch.tensor(value)) for value in (0.5, 2.0))
        assert waits.count == 0
        assert [float(second), float(first)] == [2.0, 0.5]
        assert waits.count == 1
        third = numbers.add(torch.tensor(3.0))
        assert [float(first), float(third), float(third)] == [0.5, 3.0, 3.0]
        assert waits.count == 2
