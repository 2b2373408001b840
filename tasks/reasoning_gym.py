"""ReasoningGym: questions and answers in words, from the data sets of reasoning-gym."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, check_fields
from curriculum.learn import IGNORED, PADDING, Batch, Shape, Task
from curriculum.plan import Stage
from curriculum.tasks import gym_datasets
from curriculum.tasks.gym_datasets import CHUNK, PACKAGE, Entry

FIRST = ord(" ")
ALPHABET = "\n" + "".join(map(chr, range(FIRST, 127)))
"""The end of a line, and printable ASCII in its order: a character's symbol is its place."""

END = len(ALPHABET)
"""The symbol of an output after the answer."""

TRIED = 64
"""Examples of a stage that are looked at before it is refused because none can be taken."""

MOST_EMPTY = 80
"""Seeds one after the other of whose examples none can be taken, before a batch is given up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReasoningGym(Task):
    r"""A data set of reasoning-gym: a question, character by character; the output is the answer.

    Needs the extra `curriculum[reasoning-gym]`. The data sets are those of Stojanovski et al. 2025,
    "Reasoning Gym", arXiv 2505.24760, as the installed version makes them.

    A stage's length is the longest question that is taken, in characters, and `answer_length` the
    longest answer: examples that are longer are drawn again, and so are those with characters that
    are not in `ALPHABET`, or without one answer. So the length shapes what is asked: a short one
    leaves the short questions of a level. Inputs are padded to the longest of a batch; an output
    has `answer_length` + 1 symbols, where nothing is predicted after the end of the answer.

    A stage's level, from 1, is that of the data set's own curriculum, whose first one has the
    number 0: of all its attributes, or of `attribute` with the others at their default. Data sets
    without a curriculum have level 1 alone.

    The metric `score` is the data set's own, in [0, 1]: it may accept several answers, or give a
    share for what is partly right.

    Attributes:
        dataset: its name.
        attribute: of its curriculum, that the level is of; empty for all together.
        settings: further ones of the data set, each as NAME=VALUE with a value in JSON; they win
            over what the level sets.
        answer_length: of the longest answer that is taken, in characters.

    >>> task = ReasoningGym(dataset="basic_arithmetic")
    >>> batch = task.sample(np.random.default_rng(0), Stage(24, 96), 1)
    >>> answer = batch.targets[0]
    >>> "".join(task.decode(batch.inputs[0])), "".join(task.decode_output(answer[answer >= 0]))
    ('Calculate 2 - 1.', '1␃')
    """

    output = "symbols"
    metrics = ("score",)
    length_name = "characters"
    libraries = (PACKAGE,)

    dataset: str = "basic_arithmetic"
    attribute: str = ""
    settings: tuple[str, ...] = ()
    answer_length: Annotated[int, "[1, inf)"] = 16

    def __post_init__(self) -> None:
        check_fields(self, "task")

    @property
    def level_name(self) -> str:
        return f"{self.attribute} level" if self.attribute else "level"

    def check(self, stage: Stage) -> None:
        if stage.vocab_size != len(ALPHABET):
            raise UsageError(
                f"{PACKAGE} is written with {len(ALPHABET)} characters, printable ASCII and the end "
                f"of a line, got a vocabulary of {stage.vocab_size}"
            )
        gym_datasets.check_dataset(self.dataset)
        most = gym_datasets.levels(self.dataset, self.attribute)
        if stage.level > most:
            raise UsageError(
                f"the data set {self.dataset!r} has {self.level_name} 1 to {most}, got {stage.level}"
            )
        problem = _problem(self, stage)
        if problem:
            raise UsageError(problem)

    def shape(self, last: Stage) -> Shape:
        return Shape.of(
            "symbols",
            last,
            input_vocab_size=len(ALPHABET),
            output_vocab_size=len(ALPHABET) + 1,
            output_length=self.answer_length + 1,
        )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        from curriculum.learn import forked_libraries  # which loads torch

        taken: list[Entry] = []
        empty = 0
        while empty < MOST_EMPTY:
            # Two batches may share some seeds, about as often as any two share an example by chance.
            seed = int(rng.integers(2**32 - CHUNK))
            before = len(taken)
            with forked_libraries(seed):
                for entry in self.entries(stage, seed):
                    if not self.misfit(entry, stage):
                        taken.append(entry)
                    if len(taken) == batch_size:
                        return self._batch(taken)
            empty = empty + 1 if len(taken) == before else 0
        raise UsageError(
            f"of {MOST_EMPTY * CHUNK:,} examples of {self.dataset!r} in a row none can be taken at "
            f"{stage}; take longer stages, or a larger task.answer_length"
        )

    def entries(self, stage: Stage, seed: int) -> Iterator[Entry]:
        """The data set's examples of a stage's level, by a seed."""
        return gym_datasets.entries(self.dataset, self.attribute, self.settings, stage.level, seed)

    def misfit(self, entry: Entry, stage: Stage) -> str:
        """Why an example can't be taken, in a word; empty where it can."""
        question, answer = entry["question"], entry["answer"]
        if answer is None:
            return "unanswered"
        if _foreign(question + answer):
            return "foreign"
        if not 0 < len(question) <= stage.length:
            return "question"
        return "answer" if len(answer) > self.answer_length else ""

    def metric_values(
        self, outputs: NDArray[np.float32], batch: Batch
    ) -> dict[str, NDArray[np.float64]]:
        given = outputs.argmax(axis=-1)
        details = batch.details or ()
        scores = [
            gym_datasets.score(self.dataset, _text(row), entry)
            for row, entry in zip(given, details, strict=True)
        ]
        return {"score": np.array(scores, dtype=np.float64)}

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        """Each as its character, the end of a line as ⏎ and that of an answer as ␃."""
        return [_name(int(symbol)) for symbol in symbols]

    def encode(self, text: str, stage: Stage) -> Batch:
        foreign = _foreign(text)
        if foreign:
            raise UsageError(f"an input is of printable ASCII and ends of lines, got {foreign!r}")
        if not text:
            raise UsageError("an input is a question of at least one character, got none")
        inputs = _symbols(text)[None]
        return Batch(inputs=inputs, targets=np.full((1, self.answer_length + 1), IGNORED))

    def _batch(self, taken: Sequence[Entry]) -> Batch:
        longest = max(len(entry["question"]) for entry in taken)
        inputs = np.full((len(taken), longest), PADDING)
        targets = np.full((len(taken), self.answer_length + 1), IGNORED)
        for row, entry in enumerate(taken):
            question, answer = _symbols(entry["question"]), _symbols(entry["answer"])
            inputs[row, : len(question)] = question
            targets[row, : len(answer)] = answer
            targets[row, len(answer)] = END
        return Batch(
            inputs=inputs,
            targets=targets,
            details=tuple(taken),
        )


@cache
def _problem(task: ReasoningGym, stage: Stage) -> str:
    """Why no example of a stage can be taken, of some that are looked at; empty where one can."""
    from curriculum.learn import forked_libraries

    looked_at = []
    with forked_libraries(0):
        for entry in islice(task.entries(stage, 0), TRIED):
            if not task.misfit(entry, stage):
                return ""
            looked_at.append(entry)
    text = f"none of {TRIED} examples of {task.dataset!r} at level {stage.level} can be taken"
    answered = [entry for entry in looked_at if entry["answer"] is not None]
    if not answered:
        return f"{text}: many answers are right, and none is given; take another data set"
    foreign = [_foreign(entry["question"] + entry["answer"]) for entry in answered]
    if all(foreign):
        found = "".join(sorted(set("".join(foreign))))
        return f"{text}: {found!r} are no printable ASCII; take another data set"
    questions, answers = (
        f"{min(lengths)} to {max(lengths)}"
        for lengths in (
            [
                len(entry[part])
                for entry, outside in zip(answered, foreign, strict=True)
                if not outside
            ]
            for part in ("question", "answer")
        )
    )
    return (
        f"{text}: questions have {questions} characters and answers {answers}, got a length of "
        f"{stage.length} and task.answer_length {task.answer_length}; raise what is too small"
    )


def _foreign(text: str) -> str:
    """The characters that are not in the alphabet."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return ""
    return "".join(sorted(set(text) - set(ALPHABET)))


def _symbols(text: str) -> NDArray[np.int64]:
    """The symbols of a text of the alphabet, (L,)."""
    codes = np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int64)
    return np.maximum(codes - FIRST + 1, 0)


def _text(symbols: NDArray[np.int64]) -> str:
    """The answer in an output (T,): all before its first end."""
    ends = np.flatnonzero(symbols == END)
    return "".join(ALPHABET[symbol] for symbol in symbols[: ends[0] if len(ends) else None])


def _name(symbol: int) -> str:
    if symbol == END:
        return "␃"
    return "⏎" if symbol == 0 else ALPHABET[symbol]
