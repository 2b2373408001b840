"""Jobs that depend on what came of others."""

from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from curriculum.sweeps import Job, JobStream


def job(run_id: str) -> Job:
    return Job(run_id=run_id, experiment="", seed=0, store=Path())


def two_batches(seen: list[str]) -> Generator[Sequence[Job], None, str]:
    yield [job("a"), job("b"), job("a")]
    seen.append("first over")
    yield []
    yield [job("c")]
    seen.append("second over")
    return "result"


def test_the_next_batch_comes_once_all_of_this_one_are_over() -> None:
    seen: list[str] = []
    stream = JobStream(two_batches(seen))
    first, second = next(stream), next(stream)
    assert [first.run_id, second.run_id] == ["a", "b"]  # twice the same run is one job
    assert next(stream, None) is None
    stream.end(first)
    assert next(stream, None) is None
    assert seen == []
    stream.end(second)
    third = next(stream)
    assert (third.run_id, stream.given, seen) == ("c", 3, ["first over"])
    assert next(stream, None) is None
    with pytest.raises(AssertionError, match="jobs are left"):
        _ = stream.result
    stream.end(third)
    assert next(stream, None) is None
    assert (stream.result, seen) == ("result", ["first over", "second over"])
