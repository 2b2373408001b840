"""The figures of README and docs: the commands that measure each, and what makes its table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accuracy_tables import charged, epochs, full_cycle, notebook_ends
from chomsky_table import chomsky
from comparison_table import strategies
from gallery import gallery
from language_tables import growing_windows, stability
from portfolio_table import handing_over, race_costs, race_rules, racing_overhead
from relearning_table import relearning
from run_tables import (
    NETS,
    Content,
    any_seed,
    far_off,
    first_crossing,
    guessing,
    hard_pair,
    how_far,
    order,
    slow,
    summary,
)
from search_table import curricula_found
from sequences_table import addition, long_lags
from time_tables import (
    far_lengths,
    many_runs,
    overhead,
    started_low,
    training_speed,
    whole_process,
)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one table is made of.

    Attributes:
        table: the table in Markdown.
        commands: shell commands. `{out}` is the file that the rows are written to, `{store}` a
            folder for runs. Each goes on where it was stopped.
        minutes: that they take together on two cores, roughly.
        seeds: on which it was measured, and on which choices were made.
        of: in place of commands, the figures whose content it is made of.
    """

    table: Callable[[Content], str]
    commands: tuple[str, ...] = ()
    minutes: float = 0
    seeds: str = ""
    of: tuple[str, ...] = ()


OVER = "--over criterion.threshold=.5..0.99 --over sampling=current,look_back,combined"
SEARCHES = (
    f"lstm_firstbit --over growth.factor=1.2..4 {OVER}",
    (
        "bert_reverse --growth.end.length 23 --growth.end.vocab-size 100 "
        f"--over growth.factor=1.2..4 {OVER} --over growth.order=length_first,vocab_first,together"
    ),
    f"lstm_adding --budget 8e11 --over growth.factor=1.2..4 {OVER}",
    f"lstm_dyck_membership --budget 1e12 --over growth.step=2,4,6,10 {OVER}",
    (
        "bert_reverse --growth.end.length 23 --growth.end.vocab-size 100 "
        "--over growth.start.length=5..20 --over growth.factor=1.5..4 --over growth.vocab-factor=2..10 "
        "--over criterion.threshold=.3..0.95 "
        "--over strategy=gated,combined,look_back,mixed,linear_warmup"
    ),
)
"""Over curricula; of reversal there are two, which differ in what is searched."""

ROBUSTNESS = "python benchmarks/robustness.py"
QUICK = "parity lstm_firstbit gru_firstbit rnn_firstbit"
SLOW = "bert_reverse bert_reverse:direct gru_subsequence gru_subsequence:direct"
FURTHER = (
    "rnn_even_pairs rnn_parity rnn_cycle_navigation lstm_modular_arithmetic lstm_reverse stack_rnn_reverse "
    "lstm_stack_manipulation lstm_bracketed_arithmetic lstm_solve_equation lstm_bucket_sort lstm_duplicate "
    "lstm_odds_first lstm_missing_duplicate gru_binary_addition gru_binary_multiplication gru_square_root "
    "lstm_anbn lstm_anbncn lstm_dyck_membership lstm_dyck_closing lstm_dyck_allowed lstm_latch "
    "lstm_copy_memory gru_addition gru_subsequence_attention bert_associative_recall bert_pointer_chasing "
    "text_labels digits_series"
)
HARD = "lstm_firstbit:hard rnn_firstbit:hard"

FOUR = "direct,gated,combined,bandit"
NOTEBOOK = "python benchmarks/notebooks.py"
UNCHOSEN = "the notebook's settings, of which none was chosen here"


def compared(
    name: str, names: str, settings: str, *, seeds: str, chosen: str, minutes: float
) -> Figures:
    """A comparison of strategies, on seeds that the experiment's settings were not chosen on."""
    command = f"python -m curriculum compare {name} --strategies {names} --seeds {seeds} {settings}"
    return Figures(
        commands=(f"{command} --run --jobs 2 --store {{store}} --json > {{out}}",),
        minutes=minutes,
        seeds=(
            f"{seeds.replace('..', '–')}, on which nothing was chosen; the experiment's settings "
            f"were on {chosen}"
        ),
        table=strategies,
    )


def by_epoch(name: str, *columns: tuple[str, str], settings: str = "", minutes: float) -> Figures:
    """The epochs of a notebook's recipe, on one seed."""
    return Figures(
        commands=(f"{NOTEBOOK} {name} --seeds 0 1{settings} --json {{out}}",),
        minutes=minutes,
        seeds=f"0; {UNCHOSEN}",
        table=epochs(*columns),
    )


TOKENS = (
    ("memorised_symbol_accuracy", "memorised tokens correct"),
    ("symbol_accuracy", "held-out tokens correct"),
)
"""What the reversal notebook reports of an epoch, and what it should."""

FIGURES: dict[str, Figures] = {
    "any_seed": Figures(
        commands=(
            f"{ROBUSTNESS} {QUICK} --seeds 600 640 --jobs 2 --json {{out}}",
            f"{ROBUSTNESS} {QUICK} --seeds 600 640 --threads 2 --json {{out}}",
            f"ATEN_CPU_CAPABILITY=default {ROBUSTNESS} {QUICK} --seeds 600 640 --jobs 2 --json {{out}}",
        ),
        minutes=25,
        seeds="600–639, on which nothing was chosen; choices were made on 0–39 and 500–519",
        table=any_seed,
    ),
    "far_off_rate": Figures(
        commands=tuple(
            f"{ROBUSTNESS} {QUICK} --seeds 640 660 --seconds 180 --jobs 2 --rate-factor {factor} "
            f"--json {{out}}"
            for factor in ("30", "0.0333333")
        ),
        minutes=50,
        seeds="640–659, on which nothing was chosen; choices were made on 0–39, 500–519, 603 and 605",
        table=far_off,
    ),
    "slow_experiments": Figures(
        commands=(f"{ROBUSTNESS} {SLOW} --seeds 300 306 --seconds 3600 --jobs 2 --json {{out}}",),
        minutes=120,
        seeds="300–305, on which nothing was chosen; choices were made on 0–2, 200 and 201",
        table=slow,
    ),
    "first_bit_strategies": compared(
        "lstm_firstbit",
        "direct,uniform,gated,mixed,combined,look_back,look_back_and_ahead,linear,root,bandit,"
        "teacher,thompson,mastering_rate,wrong_order,guess",
        "--budget 7e11 --growth.end 100 --training.eval-every 10",
        seeds="400..419",
        chosen="0–39",
        minutes=30,
    ),
    "human_numbers_strategies": compared(
        "human_numbers_gru",
        "direct,gated",
        "--budget 1e12",
        seeds="400..419",
        chosen="0–4",
        minutes=10,
    ),
    "reversal_strategies": compared(
        "bert_reverse",
        FOUR,
        "--budget 6e12 --growth.end.length 23 --growth.end.vocab-size 100",
        seeds="400..407",
        chosen="0–2",
        minutes=25,
    ),
    "subsequence_strategies": compared(
        "gru_subsequence",
        FOUR,
        "--budget 6e12 --growth.end 8",
        seeds="400..407",
        chosen="0–2",
        minutes=25,
    ),
    "relearning": Figures(
        commands=("python benchmarks/relearning.py --seeds 210..212 --json {out}",),
        minutes=8,
        seeds="210–212, on which nothing was chosen; the experiments' settings were on 0–4",
        table=relearning,
    ),
    "human_numbers_first_crossing": Figures(
        commands=(
            f"{ROBUSTNESS} "
            + " ".join(f"human_numbers_{net} human_numbers_{net}:direct" for net in NETS)
            + " --seeds 320 340 --seconds 300 --jobs 2 --json {out}",
        ),
        minutes=25,
        seeds="320–339, on which nothing was chosen; the experiments' settings were on 0–9, once 300–319 had shown that two of them stop short",
        table=first_crossing,
    ),
    "human_numbers_full_cycle": Figures(
        commands=(
            "python benchmarks/full_cycle.py "
            + " ".join(f"human_numbers_{net}" for net in NETS)
            + " --seeds 320 340 --jobs 2 --json {out}",
        ),
        minutes=25,
        seeds="320–339, on which nothing was chosen; the experiments' settings were on 0–9, once 300–319 had shown that two of them stop short",
        table=full_cycle,
    ),
    "hard_pair": Figures(
        commands=(
            f"{ROBUSTNESS} {HARD} --seeds 0 20 --seconds 600 --jobs 2 --json {{out}}",
            (
                f"{ROBUSTNESS} {HARD} --seeds 0 6 --seconds 600 --jobs 2 "
                f'--settings "--growth.lengths 100" --json {{out}}'
            ),
        ),
        minutes=30,
        seeds=f"0–19, and 0–5 at length 100; {UNCHOSEN}",
        table=hard_pair,
    ),
    "order": Figures(
        commands=tuple(
            f'{ROBUSTNESS} lstm_firstbit --seeds 400 420 --jobs 2 --settings "--strategy {name} '
            f'--growth.end 20 --training.eval-every 10 --tuning.mode off --budget.steps 600" '
            f"--json {{out}}"
            for name in ("gated", "linear", "uniform", "wrong_order", "direct")
        ),
        minutes=5,
        seeds="400–419, on which nothing was chosen; the experiment's settings were on 0–39",
        table=order,
    ),
    "guessing": Figures(
        commands=(
            "python benchmarks/guessing.py lstm rnn gru --seeds 400 420 --jobs 2 --json {out}",
        ),
        minutes=40,
        seeds="400–419, on which nothing was chosen; the experiments' settings were on 0–39",
        table=guessing,
    ),
    "human_numbers_notebook": Figures(
        commands=(
            f"{NOTEBOOK} "
            + " ".join(f"human_numbers_{net}:seed" for net in NETS)
            + " --seeds 0 20 --threads 1 --jobs 2 --json {out}",
        ),
        minutes=10,
        seeds=f"0–19; {UNCHOSEN}",
        table=notebook_ends,
    ),
    "subsequence_notebook": by_epoch(
        "gru_subsequence:seed",
        ("train_loss", "training loss"),
        ("loss", "held-out loss"),
        ("score", "exact"),
        settings=" --threads 1",
        minutes=4,
    ),
    "reversal_notebook_5_10": by_epoch("bert_reverse:seed_5_10", *TOKENS, minutes=5),
    "reversal_notebook_100_10": by_epoch(
        "bert_reverse:seed_100_10", *TOKENS, settings=" --threads 1 --store {store}", minutes=240
    ),
    "reversal_notebook_10_1000": by_epoch("bert_reverse:seed_10_1000", *TOKENS, minutes=15),
    "reversal_notebook_100_1000": by_epoch(
        "bert_reverse:seed_100_1000", *TOKENS, settings=" --threads 1 --store {store}", minutes=540
    ),
    "started_low": Figures(
        commands=tuple(
            f"{ROBUSTNESS} lstm_firstbit --seeds 640 660 --seconds 30 --jobs 2 --settings "
            f'"--optimizer.learning-rate 1e-5 --model.hidden-size 4{more}" --json {{out}}'
            for more in ("", " --tuning.mode off")
        ),
        minutes=7,
        seeds="640–659, on which nothing was chosen; the experiment's settings were on 0–39",
        table=started_low,
    ),
    "far_lengths": Figures(
        commands=("python benchmarks/far_lengths.py --json {out}",),
        minutes=6,
        seeds="1",
        table=far_lengths,
    ),
    "many_runs": Figures(
        commands=("python benchmarks/many_runs.py --json {out}",),
        minutes=3,
        seeds="0–5, copied",
        table=many_runs,
    ),
    "growing_windows": Figures(
        commands=("python benchmarks/growing_windows.py --jobs 2 --json {out}",),
        minutes=60,
        seeds="11–13, on which nothing was chosen; the learning rate and the thresholds were on 0",
        table=growing_windows,
    ),
    "stability": Figures(
        commands=("python benchmarks/stability.py --seeds 1 --jobs 2 --json {out}",),
        minutes=45,
        seeds="1, on which nothing was chosen",
        table=stability,
    ),
    "training_speed": Figures(
        commands=("python benchmarks/training_speed.py --rounds 20 --json {out}",),
        minutes=9,
        seeds="0",
        table=training_speed,
    ),
    "overhead": Figures(
        commands=("python benchmarks/overhead.py --pairs 100 --rounds 1 --json {out}",),
        minutes=2,
        seeds="0",
        table=overhead,
    ),
    "whole_process": Figures(
        commands=tuple(
            f"python benchmarks/whole_process.py --pairs 5{more} --json {{out}}"
            for more in ("", " --new-store")
        ),
        minutes=5,
        seeds="0",
        table=whole_process,
    ),
    "long_lags": Figures(
        commands=(
            (
                "python benchmarks/sequences.py lstm_adding lstm_adding_500 lstm_temporal_order "
                "--seeds 1 6 --json {out}"
            ),
        ),
        minutes=5,
        seeds="1–5, on which nothing was chosen; the experiments' settings were on 0",
        table=long_lags,
    ),
    "addition": Figures(
        commands=(
            (
                "python benchmarks/sequences.py lstm_addition --strategies gated combined teacher "
                "direct --seeds 3 4 --seconds 7200 --json {out}"
            ),
            (
                "python benchmarks/sequences.py lstm_addition:nine --strategies gated direct combined "
                "teacher --seeds 3 4 --seconds 7200 --json {out}"
            ),
        ),
        minutes=150,
        seeds="3; the experiments' settings were chosen on 0, and changed after runs on 1 and 2",
        table=addition,
    ),
    "further_experiments": Figures(
        commands=(f"{ROBUSTNESS} {FURTHER} --seeds 7 8 --seconds 120 --jobs 2 --json {{out}}",),
        minutes=25,
        seeds="7, on which nothing was chosen",
        table=how_far,
    ),
    "chomsky": Figures(
        commands=("python benchmarks/chomsky.py --all --jobs 2 --json {out} --store {store}",),
        minutes=400,
        seeds="1–3; of the RNN and the stack 4–6, as their settings were changed after runs on 1–3; rates, networks, batch size and budgets were chosen on 0",
        table=chomsky,
    ),
    "curricula_found": Figures(
        commands=tuple(
            f"python -m curriculum optimize {search} --threads 1 --store {{store}} --json > {{out}}"
            for search in SEARCHES
        ),
        minutes=150,
        seeds="the search's 0–2; those of the table are 100–109, on which nothing was chosen",
        table=curricula_found,
    ),
    "race_costs": Figures(
        commands=(
            (
                "python benchmarks/portfolio.py --seeds 100..105 --further --json {store}/traces.jsonl && "
                "python benchmarks/portfolio_race.py {store}/traces.jsonl --seeds 100..105 --json {out}"
            ),
        ),
        minutes=60,
        seeds="100–105 (the three others 100 and 101), on which nothing was chosen; pairs, settings and rules were chosen on 0–2",
        table=race_costs,
    ),
    "race_rules": Figures(of=("race_costs",), table=race_rules),
    "handing_over": Figures(
        commands=("python benchmarks/handing_over.py --seeds 0 1 --json {out}",),
        minutes=15,
        seeds="0 and 1",
        table=handing_over,
    ),
    "racing_overhead": Figures(
        commands=("python benchmarks/racing_overhead.py --json {out}",),
        minutes=3,
        seeds="0–2",
        table=racing_overhead,
    ),
    "gallery": Figures(
        commands=("python benchmarks/gallery.py --json {out}",),
        minutes=4,
        seeds="0, on which the files' settings were chosen",
        table=gallery,
    ),
    "summary": Figures(
        of=("any_seed", "slow_experiments", "human_numbers_first_crossing"), table=summary
    ),
    "compute": Figures(
        commands=("python benchmarks/cost.py --json {out}",),
        minutes=3,
        seeds="0; run it on a quiet machine",
        table=charged,
    ),
}
"""By name, all that `benchmarks/reproduce.py` measures."""
