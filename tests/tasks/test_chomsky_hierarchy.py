"""The tasks of Delétang et al. 2023 against their definitions in plain Python."""

import itertools
import math
import re
from collections.abc import Callable

import numpy as np
import pytest

from curriculum import Stage, Task, UsageError
from curriculum.learn import IGNORED
from curriculum.learn.first_batch import DrawnStage
from curriculum.tasks import (
    BinaryAddition,
    BinaryMultiplication,
    BracketedArithmetic,
    BucketSort,
    CycleNavigation,
    Duplicate,
    EvenPairs,
    MissingDuplicate,
    ModularArithmetic,
    OddsFirst,
    Parity,
    SolveEquation,
    SquareRoot,
    StackManipulation,
)

Words = list[str]


def stack_after(words: Words) -> Words:
    stack: Words = []
    for word in words:
        if word == "POP":
            stack = stack[:-1]
        else:
            stack.append(word.removeprefix("PUSH "))
    return [*reversed(stack), "end"]


def computed(words: Words) -> Words:
    """A sum or product, lowest bits first."""
    match = re.fullmatch(r"([01]+)([+*])([01]+)", "".join(words))
    assert match is not None
    first, second = (int(match[group][::-1], 2) for group in (1, 3))
    result = first + second if match[2] == "+" else first * second
    return [*reversed(f"{result:b}"), "end"]


def solution(words: Words) -> Words:
    left, _, right = "".join(words).partition("=")
    return [x for x in "01234" if (eval(left.replace("x", x)) - int(right)) % 5 == 0]


def missing(words: Words) -> Words:
    half = len(words) // 2
    hidden = words.index("?")
    return [words[hidden + half if hidden < half else hidden - half]]


STEPS = {"left": -1, "stay": 0, "right": 1}
ORACLES: dict[str, tuple[Task, int, Callable[[Words], Words]]] = {
    "parity": (Parity(), 2, lambda words: [str(words.count("1") % 2)]),
    "even pairs": (
        EvenPairs(),
        2,
        lambda words: [("even", "odd")[len(re.findall("(?=ab|ba)", "".join(words))) % 2]],
    ),
    "cycle navigation": (
        CycleNavigation(),
        3,
        lambda words: [str(sum(STEPS[word] for word in words) % 5)],
    ),
    "modular arithmetic": (ModularArithmetic(), 8, lambda words: [str(eval("".join(words)) % 5)]),
    "with brackets": (BracketedArithmetic(), 10, lambda words: [str(eval("".join(words)) % 5)]),
    "solve equation": (SolveEquation(), 11, solution),
    "stack manipulation": (StackManipulation(), 5, stack_after),
    "duplicate": (Duplicate(), 3, lambda words: 2 * words),
    "odds first": (OddsFirst(), 2, lambda words: words[::2] + words[1::2]),
    "missing duplicate": (MissingDuplicate(), 4, missing),
    "bucket sort": (BucketSort(), 5, sorted),
    "addition": (BinaryAddition(), 3, computed),
    "multiplication": (BinaryMultiplication(), 3, computed),
    "square root": (
        SquareRoot(),
        2,
        lambda words: [*f"{math.isqrt(int(''.join(words), 2)):0{-(-len(words) // 2)}b}"],
    ),
}
"""By task its vocabulary, and the words of the output by those of the input."""

each = pytest.mark.parametrize("name", ORACLES)


def stages(name: str, *lengths: int) -> list[Stage]:
    """Those of the lengths that the task has."""
    task, vocab_size, _ = ORACLES[name]
    found = []
    for length in lengths:
        try:
            task.check(Stage(length, vocab_size))
        except UsageError:
            continue
        found.append(Stage(length, vocab_size))
    return found


def answers(task: Task, targets: np.ndarray) -> list[Words]:
    """The words of the outputs, of which nothing is left out before the end."""
    found = []
    for row in targets.reshape(len(targets), -1):
        known = row[row != IGNORED]
        assert (row[len(known) :] == IGNORED).all()
        found.append(task.decode_output(known))
    return found


def end_of_expression(text: str, start: int = 0) -> int:
    """Where the expression that begins at `start` ends, read by the grammar's rules."""
    leaf = re.compile(r"-?[0-4x]|\(-?[0-4x]\)").match(text, start)
    if leaf is not None:
        return leaf.end()
    assert text[start] == "("
    middle = end_of_expression(text, start + 1)
    assert text[middle] in "+-*"
    end = end_of_expression(text, middle + 1)
    assert text[end] == ")"
    return end + 1


@each
def test_the_output_is_the_definitions(name: str) -> None:
    task, _, oracle = ORACLES[name]
    for stage in stages(name, *range(1, 14), 40, 41):
        batch = task.sample(np.random.default_rng(stage.length), stage, 30)
        assert batch.inputs.shape == (30, stage.length)
        inputs = [task.decode(row) for row in batch.inputs]
        assert answers(task, batch.targets) == [oracle(words) for words in inputs]


@each
def test_a_batch_is_a_function_of_the_generator_within_the_task_s_shape(name: str) -> None:
    task, _, _ = ORACLES[name]
    for stage in stages(name, 3, 4, 9, 40, 41):
        DrawnStage(
            task, stage, 20, "exact_match"
        ).batch()  # sizes, types and ranges, and that it draws alike
        assert task.evaluation_set(stage) is None or stage.length < 40


@each
def test_a_small_stage_is_evaluated_on_every_input_once_weighted_as_it_is_drawn(name: str) -> None:
    task, _, oracle = ORACLES[name]
    for stage in stages(name, 1, 2, 3, 4, 5, 6):
        whole = task.evaluation_set(stage)
        if whole is None:
            continue
        assert whole.source == "every input"
        assert whole.examples <= 4096
        batch = task.evaluation_batch(stage, 0, whole.examples)
        texts = [" ".join(task.decode(row)) for row in batch.inputs]
        assert len(set(texts)) == whole.examples
        given = answers(task, batch.targets)
        assert given == [oracle(task.decode(row)) for row in batch.inputs]
        weights = np.full(whole.examples, 1 / whole.examples)
        if batch.weights is not None:
            weights = batch.weights
        assert weights.sum() == pytest.approx(1)
        draws = 4000
        drawn = task.sample(np.random.default_rng(0), stage, draws).inputs
        found = [" ".join(task.decode(row)) for row in drawn]
        places = {text: number for number, text in enumerate(texts)}
        counts = np.bincount([places[text] for text in found], minlength=len(texts))
        deviation = (counts - draws * weights) / np.sqrt(draws * weights)
        spread = math.sqrt(2 * len(texts) + (1 / weights).sum() / draws)
        assert (deviation**2).sum() < len(texts) + 7 * spread  # Pearson's chi-squared


@each
def test_the_evaluation_set_may_be_read_in_parts(name: str) -> None:
    task, _, _ = ORACLES[name]
    stage = stages(name, 5)[0]
    whole = task.evaluation_set(stage)
    assert whole is not None
    batch = task.evaluation_batch(stage, 0, whole.examples)
    edges = [*range(0, whole.examples, 7), whole.examples]
    parts = [task.evaluation_batch(stage, *pair) for pair in itertools.pairwise(edges)]
    assert np.array_equal(np.concatenate([part.inputs for part in parts]), batch.inputs)
    assert np.array_equal(np.concatenate([part.targets for part in parts]), batch.targets)
    if batch.weights is not None:
        weights = [part.weights for part in parts if part.weights is not None]
        assert np.array_equal(np.concatenate(weights), batch.weights)


@each
def test_what_is_typed_is_encoded_with_its_output(name: str) -> None:
    task, _, _ = ORACLES[name]
    stage = stages(name, 9)[0]
    batch = task.sample(np.random.default_rng(1), stage, 5)
    for row in range(5):
        typed = task.encode(" ".join(task.decode(batch.inputs[row])), stage)
        assert np.array_equal(typed.inputs, batch.inputs[row : row + 1])
        assert np.array_equal(typed.targets, batch.targets[row : row + 1])


@pytest.mark.parametrize(
    ("task", "inputs", "output"),
    [
        (EvenPairs(), "abba", "even"),
        (CycleNavigation(), "right right right left", "2"),
        (ModularArithmetic(), "1-1-1", "4"),
        (ModularArithmetic(modulus=12), "11*11+10", "11"),
        (BracketedArithmetic(), "((2-4)*(-3))", "1"),
        (SolveEquation(), "(x+(-2))=4", "1"),
        (StackManipulation(), "110 POP POP POP POP PUSH 0", "0 end"),
        (StackManipulation(), "110 POP POP POP", "end"),
        (OddsFirst(), "0 0 1 1 0 1 0 1", "0 1 0 0 0 1 1 1"),
        (MissingDuplicate(), "0110 0?10", "1"),
        (BucketSort(), "1 0 2 0 4 1 1 2", "0 0 1 1 1 2 2 4"),
        (BinaryAddition(), "001+01101", "0 1 0 1 1 end"),
        (BinaryMultiplication(), "001*01101", "0 0 0 1 1 0 1 end"),
        (SquareRoot(), "111", "1 0"),
    ],
)
def test_the_papers_examples(task: Task, inputs: str, output: str) -> None:
    batch = task.encode(inputs, Stage(3, 12))
    assert answers(task, batch.targets) == [output.split()]


@pytest.mark.parametrize("name", ["with brackets", "solve equation"])
def test_expressions_are_of_the_grammar(name: str) -> None:
    task, _, _ = ORACLES[name]
    for stage in stages(name, 5, 9, 23, 60):
        for row in task.sample(np.random.default_rng(0), stage, 20).inputs:
            text = "".join(task.decode(row)).partition("=")[0]
            assert end_of_expression(text) == len(text)


@pytest.mark.parametrize(
    ("task", "stage", "message"),
    [
        (Parity(), Stage(5, 3), "parity has a vocabulary of 2 .0 1., got 3; write Stage.5, 2."),
        (EvenPairs(), Stage(1), "a length of at least 2, got 1"),
        (CycleNavigation(), Stage(4), "a vocabulary of 3 .left stay right., got 2"),
        (ModularArithmetic(), Stage(8, 8), "odd lengths, .* got 8, take 7 or 9"),
        (ModularArithmetic(modulus=3), Stage(9, 8), "a vocabulary of 6 .0 1 2 . - ..*, got 8"),
        (BracketedArithmetic(), Stage(9), "a vocabulary of 10"),
        (SolveEquation(), Stage(2, 11), "a length of at least 3"),
        (StackManipulation(), Stage(5), "a vocabulary of 5"),
        (Duplicate(), Stage(5, 1), "a vocabulary of at least 2"),
        (OddsFirst(), Stage(5, 1), "a vocabulary of at least 2"),
        (BucketSort(), Stage(5, 1), "a vocabulary of at least 2"),
        (MissingDuplicate(), Stage(1, 4), "a length of at least 2"),
        (BinaryAddition(), Stage(2, 3), "a length of at least 3"),
        (BinaryMultiplication(), Stage(9), "a vocabulary of 3 .0 1 .., got 2"),
        (SquareRoot(), Stage(9, 3), "a vocabulary of 2"),
    ],
)
def test_stages_they_cannot_make_are_errors(task: Task, stage: Stage, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        task.check(stage)


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        (Parity(), "0 1 2", "an input is of 0 1, got '2'"),
        (Parity(), " ", "got ' '"),
        (ModularArithmetic(), "1+", "digits with an operator between any two"),
        (ModularArithmetic(), "1++", "digits with an operator between any two"),
        (BracketedArithmetic(), "(1+", "no expression"),
        (BracketedArithmetic(), "1 2", "no expression"),
        (BracketedArithmetic(), "2**2", "no expression"),
        (SolveEquation(), "(x+x)=1", "one x"),
        (SolveEquation(), "(x+1)", "one x"),
        (StackManipulation(), "1 POP 1", "a stack of bits and then actions"),
        (StackManipulation(), "POP", "a stack of bits and then actions"),
        (MissingDuplicate(), "0110", "a . in place of one"),
        (MissingDuplicate(), "011?", "a . in place of one"),
        (MissingDuplicate(), "01?11", "a . after them where the length is odd"),
        (BinaryAddition(), "+1", "two binary numbers with . between"),
        (BinaryAddition(), "1+1+1", "two binary numbers with . between"),
        (BucketSort(), "5", "symbols are 0 to 4, got 5"),
    ],
)
def test_typed_text_that_is_no_input_is_an_error(task: Task, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        task.encode(text, Stage(5, 5))


@pytest.mark.parametrize("task", [ModularArithmetic, BracketedArithmetic, SolveEquation])
def test_a_modulus_below_two_is_an_error(task: Callable[..., Task]) -> None:
    with pytest.raises(UsageError, match="modulus must be at least 2, got 1"):
        task(modulus=1)


def test_expressions_have_no_products_where_there_is_no_multiplication() -> None:
    task, stage = BracketedArithmetic(multiplication=False), Stage(9, 10)
    batch = task.sample(np.random.default_rng(0), stage, 200)
    assert not any("*" in task.decode(row) for row in batch.inputs)
    whole = task.evaluation_set(stage)
    assert whole is not None
    assert task.evaluation_batch(stage, 0, whole.examples).inputs.shape == (whole.examples, 9)
