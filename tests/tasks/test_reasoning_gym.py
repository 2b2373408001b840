"""Data sets of reasoning-gym as tasks: on a stand-in for the library, and on itself where it is there."""

import random
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from curriculum import Stage, UsageError
from curriculum.learn import IGNORED, PADDING, AfterInput, Batch
from curriculum.models import Decoder, Seq2Seq
from curriculum.tasks import ReasoningGym, gym_datasets
from curriculum.tasks.reasoning_gym import ALPHABET, END

SIZE = len(ALPHABET)
installed = pytest.mark.skipif(
    find_spec("reasoning_gym") is None, reason="reasoning-gym isn't installed, which compiles C"
)


@dataclass
class Settings:
    seed: int
    size: int
    low: int = 0
    high: int = 9
    kind: str = "plain"


class Sums:
    """`a+b=`, whose answers are also scored by halves; of some kinds no use."""

    def __init__(self, settings: Settings) -> None:
        assert settings.low <= settings.high, "low must not be above high"
        self.settings = settings

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng, kind = Random(self.settings.seed + index), self.settings.kind
        if kind == "global":
            rng = random  # type: ignore[assignment]
        if kind == "failing" and index % 2:
            raise RuntimeError("given up")
        one, two = (rng.randint(self.settings.low, self.settings.high) for _ in range(2))
        question = f"{one}{'×' if kind == 'foreign' else '+'}{two}=\n"
        answer = None if kind == "open" else str(one + two)
        return {"question": question, "answer": answer, "metadata": {"half": str(one)}}

    def score_answer(self, answer: str, entry: dict[str, Any]) -> float:
        return 1.0 if answer == entry["answer"] else 0.5 * (answer == entry["metadata"]["half"])


class SumsCurriculum:
    """Highs of 9, 99 and 999, and lows of 0 and 5."""

    def __init__(self) -> None:
        self.attributes = {
            "high": SimpleNamespace(levels=[9, 99, 999]),
            "low": SimpleNamespace(levels=[0, 5]),
        }
        self.at = {"high": 0, "low": 0}

    def set_attr_level(self, name: str, level: int) -> None:
        self.at[name] = level

    def set_global_level(self, level: int) -> None:
        self.at = {n: min(level, len(a.levels) - 1) for n, a in self.attributes.items()}

    def generate_configuration(self, given: dict[str, Any]) -> Settings:
        return Settings(**given, **{n: self.attributes[n].levels[at] for n, at in self.at.items()})


@pytest.fixture
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(
        DATASETS={"sums": (Sums, Settings), "plain_sums": (Sums, Settings)},
        CURRICULA={"sums": SumsCurriculum},
    )
    monkeypatch.setattr(gym_datasets, "_library", lambda: library)
    monkeypatch.setattr(gym_datasets, "version", lambda _: "0.0")


def drawn(task: ReasoningGym, stage: Stage, count: int = 200, seed: int = 0) -> Batch:
    task.check(stage)
    return task.sample(np.random.default_rng(seed), stage, count)


def texts(task: ReasoningGym, batch: Batch) -> list[tuple[str, str]]:
    return [
        ("".join(task.decode(row[row != PADDING])), "".join(task.decode_output(out[out >= 0])))
        for row, out in zip(batch.inputs, batch.targets, strict=True)
    ]


@pytest.mark.usefixtures("_stand_in")
def test_questions_and_answers_are_their_characters() -> None:
    task = ReasoningGym(dataset="sums", answer_length=4)
    batch = drawn(task, Stage(20, SIZE, 2))
    for (question, answer), entry in zip(texts(task, batch), batch.details or (), strict=True):
        one, _, two = question.removesuffix("=⏎").partition("+")
        assert answer == f"{int(one) + int(two)}␃"
        assert question.replace("⏎", "\n") == entry["question"]
    assert batch.targets.shape == (200, 5)
    assert batch.inputs.shape[1] == max(len(entry["question"]) for entry in batch.details or ())
    assert batch.targets.max() == END


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize(
    ("attribute", "level", "low", "high"),
    [("", 1, 0, 9), ("", 2, 5, 99), ("", 3, 5, 999), ("high", 3, 0, 999), ("low", 2, 5, 9)],
)
def test_a_level_is_the_data_sets_own(attribute: str, level: int, low: int, high: int) -> None:
    task = ReasoningGym(dataset="sums", attribute=attribute)
    batch = drawn(task, Stage(20, SIZE, level), 2000)
    numbers = [int(n) for e in batch.details or () for n in e["question"][:-2].split("+")]
    assert min(numbers) < low + 3
    assert low <= min(numbers)
    assert high >= max(numbers) > 0.9 * high - 1
    assert task.level_name == (f"{attribute} level" if attribute else "level")


@pytest.mark.usefixtures("_stand_in")
def test_settings_win_over_the_level() -> None:
    task = ReasoningGym(dataset="sums", settings=("high=3", "kind=plain"))
    questions = {question for question, _ in texts(task, drawn(task, Stage(20, SIZE, 1)))}
    assert questions == {f"{one}+{two}=⏎" for one in range(4) for two in range(4)}


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize(("length", "answer_length"), [(6, 16), (20, 2)])
def test_longer_examples_are_drawn_again(length: int, answer_length: int) -> None:
    task = ReasoningGym(dataset="sums", attribute="high", answer_length=answer_length)
    batch = drawn(task, Stage(length, SIZE, 2))
    shape = task.shape(Stage(length, SIZE, 2))
    assert batch.inputs.shape[1] <= shape.length
    assert batch.targets.shape[1] == shape.output_length == answer_length + 1
    assert len(batch.inputs) == 200
    assert ((batch.targets == END).sum(axis=1) == 1).all()


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize("kind", ["plain", "global", "failing"])
def test_a_batch_is_a_function_of_the_generator_alone(kind: str) -> None:
    task, stage = ReasoningGym(dataset="sums", settings=(f"kind={kind}",)), Stage(20, SIZE, 2)
    first = drawn(task, stage)
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    states = random.getstate(), repr(np.random.get_state())  # noqa: NPY002
    other = drawn(task, stage, seed=1)
    again = drawn(task, stage)
    assert (random.getstate(), repr(np.random.get_state())) == states  # noqa: NPY002
    assert np.array_equal(first.inputs, again.inputs)
    assert np.array_equal(first.targets, again.targets)
    assert not np.array_equal(first.targets, other.targets)


@pytest.mark.usefixtures("_stand_in")
def test_the_score_is_the_data_sets_own_and_follows_each_example() -> None:
    task = ReasoningGym(dataset="sums", answer_length=3)
    batch = drawn(task, Stage(20, SIZE, 1), 4).rows(1, 4)
    details = batch.details or ()
    wanted = [details[0]["answer"], details[1]["metadata"]["half"], "x"]
    outputs = np.zeros((3, 4, SIZE + 1), dtype=np.float32)
    for row, text in enumerate(wanted):
        for place, symbol in enumerate([*map(ALPHABET.index, text), END, 5, 5][:4]):
            outputs[row, place, symbol] = 1
    half = 1.0 if wanted[1] == details[1]["answer"] else 0.5
    assert task.metric_values(outputs, batch)["score"].tolist() == [1.0, half, 0.0]


@pytest.mark.usefixtures("_stand_in")
def test_an_output_after_the_input_is_scored_likewise() -> None:
    inner = ReasoningGym(dataset="sums", answer_length=3)
    task = AfterInput(task=inner)
    batch = task.sample(np.random.default_rng(0), Stage(20, SIZE, 2), 8)
    outputs = np.eye(SIZE + 1, dtype=np.float32)[np.maximum(batch.targets, 0)]
    assert task.metric_values(outputs, batch)["score"].tolist() == [1.0] * 8
    assert (task.length_name, task.libraries) == ("characters", ("reasoning-gym",))


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize(
    ("settings", "stage", "message"),
    [
        ({}, Stage(9, 10), "written with 96 characters, .* got a vocabulary of 10"),
        ({}, Stage(9, SIZE, 4), "has level 1 to 3, got 4"),
        ({"attribute": "low"}, Stage(9, SIZE, 3), "has low level 1 to 2, got 3"),
        ({"attribute": "hihg"}, Stage(9, SIZE), "no attribute 'hihg'; did you mean high?"),
        ({"dataset": "plain_sums"}, Stage(9, SIZE, 2), "has level 1 to 1, got 2"),
        ({"dataset": "summs"}, Stage(9, SIZE), "no data set 'summs'; did you mean sums"),
        ({"dataset": "word_ladder"}, Stage(9, SIZE), "differ from process to process"),
        ({"settings": ("hihg=3",)}, Stage(9, SIZE), "written NAME=VALUE, .* did you mean high?"),
        ({"settings": ("high",)}, Stage(9, SIZE), "written NAME=VALUE, got 'high'"),
        ({"settings": ("seed=3",)}, Stage(9, SIZE), "written NAME=VALUE, got 'seed=3'"),
        ({"settings": ("high=-1",)}, Stage(9, SIZE), "low must not be above high"),
        ({"settings": ("kind=open",)}, Stage(9, SIZE), "many answers are right"),
        ({"settings": ("kind=foreign",)}, Stage(9, SIZE), "'×' are no printable ASCII"),
        ({}, Stage(4, SIZE), "questions have 5 to 5 characters and answers 1 to 2, .* length of 4"),
    ],
)
def test_what_can_not_be_drawn_is_refused_in_a_sentence(
    settings: dict[str, Any], stage: Stage, message: str
) -> None:
    task = ReasoningGym(**{"dataset": "sums"} | settings)
    with pytest.raises(UsageError, match=message) as caught:
        task.check(stage)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("_stand_in")
def test_a_stage_that_hardly_anything_fits_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curriculum.tasks.reasoning_gym.MOST_EMPTY", 2)
    task = ReasoningGym(dataset="sums")
    with pytest.raises(UsageError, match="of 512 examples of 'sums' in a row none can be taken"):
        task.sample(np.random.default_rng(0), Stage(4, SIZE), 1)


@pytest.mark.usefixtures("_stand_in")
def test_models_that_write_after_the_input_take_it() -> None:
    shape = ReasoningGym(dataset="sums").shape(Stage(20, SIZE))
    for model in (Decoder(), Seq2Seq()):
        model.check(shape)
    with pytest.raises(UsageError, match="as many as the input has"):
        Decoder(outputs="in_place").check(shape)


def test_a_typed_question_is_read() -> None:
    task = ReasoningGym(answer_length=3)
    batch = task.encode("1 + 2?\n", Stage(9, SIZE))
    assert "".join(task.decode(batch.inputs[0])) == "1 + 2?⏎"
    assert batch.targets.tolist() == [[IGNORED] * 4]
    for wrong, message in (("1 × 2", "got '×'"), ("", "at least one character")):
        with pytest.raises(UsageError, match=message):
            task.encode(wrong, Stage(9, SIZE))


def test_all_symbols_have_names_of_their_own() -> None:
    assert len(set(ReasoningGym().decode(np.arange(SIZE + 1)))) == SIZE + 1


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(UsageError, match=r"pip install 'curriculum\[reasoning-gym\]'"):
        ReasoningGym().check(Stage(30, SIZE))


REAL = ("basic_arithmetic", "chain_sum", "gcd", "leg_counting", "number_sorting", "list_functions")
DRAW = """
import numpy as np
from curriculum import Stage
from curriculum.tasks import ReasoningGym
for name in {names}:
    task = ReasoningGym(dataset=name, answer_length=2000)
    batch = task.sample(np.random.default_rng(7), Stage(4000, 96), 8)
    print(name, batch.inputs.sum(), batch.targets.sum(), len(batch.details))
"""


@installed
def test_each_process_draws_the_same() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", DRAW.format(names=REAL)],
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": "", "PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop().splitlines()) == len(REAL)


@installed
def test_the_librarys_own_answers_have_a_score_of_1() -> None:
    for name in REAL:
        task = ReasoningGym(dataset=name, answer_length=2000)
        batch = drawn(task, Stage(4000, SIZE), 8)
        outputs = np.eye(SIZE + 1, dtype=np.float32)[np.maximum(batch.targets, 0)]
        assert task.metric_values(outputs, batch)["score"].tolist() == [1.0] * 8, name


@installed
def test_all_data_sets_that_are_refused_are_there() -> None:
    from reasoning_gym.factory import DATASETS

    assert set(DATASETS) >= set(gym_datasets.REFUSED)
