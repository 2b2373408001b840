"""A language model's windows of a corpus: what is trained on, and what is evaluated."""

from collections.abc import Iterator
from dataclasses import replace
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import curriculum
from curriculum import (
    Adam,
    Batch,
    Budget,
    Experiment,
    Explicit,
    Mastery,
    RunResult,
    Stage,
    StopRequest,
    Training,
    UsageError,
)
from curriculum.data import BYTES, Corpus, DocumentSet
from curriculum.learn import IGNORED, PADDING, EvaluationStream
from curriculum.learn.first_batch import DrawnStage
from curriculum.models import Decoder, LanguageModel
from curriculum.record import Evaluated, Record
from curriculum.report import describe_dry_run
from curriculum.tasks import LanguageModelling

SEPARATOR = BYTES - 1


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 texts of 1 to 40 numbers, each of them in one text alone."""
    found = tmp_path_factory.mktemp("texts")
    for number in range(200):
        words = [f"{100 * number + place:05d}" for place in range(1 + number % 40)]
        (found / f"{number}.txt").write_text(" ".join(words))
    return found


@pytest.fixture
def task(root: Path) -> LanguageModelling:
    return LanguageModelling(corpus=Corpus(root=str(root), held_out=0.6))


def packed(task: LanguageModelling, **settings: str) -> LanguageModelling:
    return replace(task, corpus=replace(task.corpus, **settings))  # type: ignore[arg-type]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def texts(part: DocumentSet) -> list[list[int]]:
    """Each document with the separators around it."""
    edges = part.edges.tolist()
    return [part.stream[edges[n] : edges[n + 1] + 1].tolist() for n in range(part.count)]


def lies_in(row: list[int], text: list[int]) -> bool:
    return any(row == text[start : start + len(row)] for start in range(len(text)))


def windows(batch: Batch) -> Iterator[list[int]]:
    """What each example reads and predicts, in one: checks that the targets follow the inputs."""
    for inputs, targets in zip(batch.inputs, batch.targets, strict=True):
        read = inputs[inputs != PADDING].tolist()
        wanted = targets[targets != IGNORED].tolist()
        assert len(read) == len(wanted)
        assert read[1:] == wanted[:-1]
        yield [*read, wanted[-1]]


def test_training_windows_are_of_the_training_documents(task: LanguageModelling) -> None:
    stream = task.corpus.load().parts["train"].stream.tolist()
    batch = task.sample(rng(), Stage(16, BYTES), 200)
    assert batch.inputs.shape == (200, 16)
    found = [*windows(batch)]
    text = "".join(map(chr, stream))
    assert all("".join(map(chr, window)) in text for window in found)
    inner = [SEPARATOR in window[1:-1] for window in found]
    assert any(inner)  # they go on in the next document
    assert not all(inner)


def test_windows_per_document_end_with_it(task: LanguageModelling) -> None:
    task = packed(task, pack="per_document")
    documents = texts(task.corpus.load().parts["train"])
    batch = task.sample(rng(), Stage(32, BYTES), 300)
    lengths = [len(window) for window in windows(batch)]
    assert min(lengths) < 33
    assert max(lengths) == 33
    for window in windows(batch):
        (own,) = [text for text in documents if lies_in(window, text)]
        # One that is shorter is read whole.
        assert len(window) == 33 or window == own


@pytest.mark.parametrize("pack", ["concat", "per_document"])
def test_every_place_is_trained_on(task: LanguageModelling, pack: str) -> None:
    task = packed(task, pack=pack)
    part = task.corpus.load().parts["train"]
    batch = task.sample(rng(), Stage(8, BYTES), 60_000)
    seen = {tuple(window) for window in windows(batch)}
    stream = part.stream.tolist()
    starts = range(len(stream) - 8)
    within = [(n, tuple(stream[n : n + 9])) for n in starts]
    wanted = {window for _, window in within if pack == "concat" or SEPARATOR not in window[1:-1]}
    assert len(wanted - seen) < 0.02 * len(wanted)


def test_a_batch_is_a_function_of_the_generator(task: LanguageModelling) -> None:
    for each in (task, packed(task, pack="per_document")):
        one, two, other = (each.sample(rng(seed), Stage(8, BYTES), 5) for seed in (1, 1, 2))
        assert np.array_equal(one.inputs, two.inputs)
        assert np.array_equal(one.targets, two.targets)
        assert not np.array_equal(one.inputs, other.inputs)


@pytest.mark.parametrize("pack", ["concat", "per_document"])
def test_the_same_documents_are_evaluated_at_each_length(
    task: LanguageModelling, pack: str
) -> None:
    task = packed(task, pack=pack)
    documents = texts(task.corpus.load().parts["gate"])
    for length in (4, 64):
        stage = Stage(length, BYTES)
        whole = task.evaluation_set(stage)
        assert (whole.examples, whole.units) == (len(documents), len(documents))
        assert (whole.source, whole.rows) == ("held_out", None)
        batch = task.evaluation_batch(stage, 0, whole.examples)
        assert batch.units is not None
        assert batch.units.tolist() == [*range(len(documents))]
        for window, text in zip(windows(batch), documents, strict=True):
            assert lies_in(window, text)
            assert len(window) == min(length + 1, len(text))
    parts = [task.evaluation_batch(Stage(4, BYTES), n, n + 1).inputs for n in range(3)]
    assert np.array_equal(
        np.concatenate(parts), task.evaluation_batch(Stage(4, BYTES), 0, 3).inputs
    )


def test_at_most_so_many_documents_are_evaluated(task: LanguageModelling) -> None:
    few = replace(task, evaluation_documents=5)
    assert few.evaluation_set(Stage(4, BYTES)).units == 5
    more = task.evaluation_batch(Stage(4, BYTES), 0, 5)
    assert np.array_equal(few.evaluation_batch(Stage(4, BYTES), 0, 5).inputs, more.inputs)


def test_each_stream_has_documents_of_its_own(task: LanguageModelling) -> None:
    streams = ("gate", *get_args(EvaluationStream))
    found = []
    for stream in streams:
        each = task if stream == "gate" else task.for_stream(stream)
        whole = each.evaluation_set(Stage(64, BYTES))
        batch = each.evaluation_batch(Stage(64, BYTES), 0, whole.examples)
        found.append({tuple(row) for row in batch.inputs.tolist()})
    found.append({tuple(row) for row in task.sample(rng(), Stage(64, BYTES), 500).inputs.tolist()})
    assert all(found)
    assert len(set.union(*found)) == sum(map(len, found))


def test_predicted_bytes_are_counted(task: LanguageModelling) -> None:
    batch = task.evaluation_batch(Stage(300, BYTES), 0, 5)
    assert batch.byte_counts is not None
    sizes = task.corpus.load().parts["gate"].byte_counts[:5]
    assert batch.byte_counts.tolist() == sizes.tolist()  # of whole documents, which these are


class TestCarried:
    @pytest.fixture
    def carried(self, task: LanguageModelling) -> LanguageModelling:
        return replace(task, windows="carried")

    def test_each_row_goes_on_where_it_ended(self, carried: LanguageModelling) -> None:
        stage, rows = Stage(8, BYTES), 3
        count = carried.chunk_count(stage, rows)
        chunks = [carried.chunk(stage, rows, index) for index in range(count)]
        for before, after in pairwise(chunks):
            assert np.array_equal(after.inputs[:, 0], before.targets[:, -1])
        stream = carried.corpus.load().parts["train"].stream
        read = np.concatenate([chunk.inputs for chunk in chunks], axis=1)
        assert read.size >= len(stream) - 1
        assert read[0].tolist() == stream[: read.shape[1]].tolist()

    def test_held_out_documents_are_read_side_by_side(self, carried: LanguageModelling) -> None:
        stage = Stage(16, BYTES)
        documents = texts(carried.corpus.load().parts["gate"])
        whole = carried.evaluation_set(stage)
        assert whole.rows == whole.units == len(documents)
        predicted: list[list[int]] = [[] for _ in documents]
        for start in range(0, whole.examples, len(documents)):
            batch = carried.evaluation_batch(stage, start, start + len(documents))
            assert batch.units is not None
            assert batch.weights is not None
            for unit, row, weight in zip(batch.units, batch.targets, batch.weights, strict=True):
                wanted = row[row != IGNORED].tolist()
                assert weight == len(wanted)
                predicted[unit] += wanted
        assert predicted == [text[1:] for text in documents]

    def test_a_model_with_a_state_is_trained_and_evaluated(
        self, carried: LanguageModelling, store: Path
    ) -> None:
        experiment = small(carried).replace(
            model=LanguageModel(net="gru", hidden_size=8, carries_state=True)
        )
        result = curriculum.run(experiment, 0, store=store, mirror=False)
        assert result.steps > 0

    def test_windows_per_document_are_refused(self, carried: LanguageModelling) -> None:
        with pytest.raises(UsageError, match=r"go on from document to document, got corpus.pack"):
            packed(carried, pack="per_document")


def small(task: LanguageModelling) -> Experiment:
    return Experiment(
        task=task,
        model=Decoder(hidden_size=8, head_size=4, layers=1),
        growth=Explicit(lengths=(4, 8), vocab_sizes=(BYTES,)),
        criterion=Mastery(threshold=0.02, metric="symbol_accuracy", screen=8, min_steps=2),
        optimizer=Adam(learning_rate=1e-2),
        training=Training(batch_size=8, eval_every=2),
        budget=Budget(steps_per_stage=6),
    )


@pytest.mark.parametrize("pack", ["concat", "per_document"])
def test_what_is_drawn_is_in_order(task: LanguageModelling, pack: str) -> None:
    for each in (packed(task, pack=pack), replace(task, windows="carried")):
        DrawnStage(each, Stage(64, BYTES), 3, "symbol_accuracy").batch()


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (Stage(8, 256), r"a vocabulary of 257, got 256; say so in the stages .*Stage\(8, 257\)"),
        (Stage(240, BYTES), "held out for gate have at most 2.. bytes in one, got a length of 240"),
    ],
)
def test_stages_that_the_corpus_has_not_are_refused(
    task: LanguageModelling, stage: Stage, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        task.check(stage)


def test_a_text_is_read_as_symbols(task: LanguageModelling) -> None:
    batch = task.encode("a b\n", Stage(8, BYTES))
    assert task.decode(batch.inputs[0]) == ["a", " ", "b", "⏎"]
    assert batch.targets[0].tolist() == [32, 98, 10, IGNORED]
    with pytest.raises(UsageError, match="at least one symbol, got none"):
        task.encode("", Stage(8, BYTES))


def test_the_final_model_writes_on_what_is_held_out_or_typed(
    task: LanguageModelling, store: Path
) -> None:
    made = small(task)
    curriculum.run(made, 0, store=store, mirror=False)
    found = curriculum.show("last", store=store, length=8, examples=2)
    prompt, written = found.sample
    first = task.evaluation_batch(Stage(8, BYTES), 0, 1).inputs[0, :4]
    assert prompt == f"prompt: {task.decode_text(first)}"
    assert written.startswith("written (4 symbols): ")
    assert written.isprintable()
    assert repr(found).endswith(f"{prompt}\n{written}")
    assert curriculum.show("last", store=store, length=8, examples=2).sample == found.sample
    assert escape(written) in found._repr_html_()
    typed = curriculum.show("last", store=store, input="<a>")
    assert typed.sample[0] == "prompt: <a>"
    assert "<p>prompt: &lt;a&gt;</p>" in typed._repr_html_()
    assert typed.sample[1].startswith("written (5 symbols): ")  # to the longest it was built for
    assert curriculum.show("last", store=store, input="12345678").sample == ()


def test_a_plan_says_what_the_data_are(task: LanguageModelling) -> None:
    lines = [*describe_dry_run(small(task))]
    assert lines[1].startswith("data: 200 documents, ")
    assert "data: a bound on a loss takes at least 100" in lines[2]


def test_a_run_resumes_on_the_same_data_and_on_no_other(
    root: Path, tmp_path: Path, store: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for path in root.iterdir():
        (own / path.name).write_text(path.read_text())
    stop = StopRequest()

    def listener(record: Record) -> None:
        if isinstance(record.event, Evaluated):
            stop.request()

    def resume() -> RunResult:
        return curriculum.resume(stopped.run_id, store=store, mirror=False)

    task = LanguageModelling(corpus=Corpus(root=str(own), held_out=0.6))
    experiment = small(task)
    stopped = curriculum.run(experiment, 0, store=store, mirror=False, stop=stop, listener=listener)
    assert stopped.status == "interrupted"
    (own / "0.txt").write_text("something else")
    with pytest.raises(
        UsageError,
        match=r"data_digest was \w+ and is \w+ \(put the task's files back as they were\)",
    ):
        resume()
    (own / "0.txt").write_text((root / "0.txt").read_text())
    resumed = resume()
    whole = curriculum.run(experiment, 0, store=store / "whole", mirror=False)
    assert (resumed.steps, resumed.reach) == (whole.steps, whole.reach)
