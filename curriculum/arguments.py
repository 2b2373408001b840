"""What the command line takes: its commands and their options."""

from __future__ import annotations

import argparse
import math
import os
import re
from pathlib import Path
from typing import NoReturn

from curriculum.errors import UsageError

__all__ = ["Parser", "build_parser"]

EXAMPLES = """\
examples:
  python -m curriculum list
  python -m curriculum run lstm_firstbit
  python -m curriculum run gru_firstbit --seed 3 --growth.factor 2 --optimizer.learning-rate 3e-3
  python -m curriculum run my_task.py --growth galloping --growth.until 64 --dry-run
  python -m curriculum run bert_reverse:direct         the same system without a curriculum
  python -m curriculum run my_task.py --tuning.mode each --tuning.trials 8 --jobs 2
  python -m curriculum run lstm_firstbit --help      all settings, with their defaults
  python -m curriculum run bert_reverse --seed 3 --resume   go on where it stopped
  python -m curriculum resume last
  python -m curriculum explain last
  python -m curriculum show last --length 20
  python -m curriculum show last --input "0 1 2 3 4"
  python -m curriculum ui
  python -m curriculum certify last --length 100000
  python -m curriculum compare lstm_firstbit --strategies gated,direct,bandit --run
  python -m curriculum runs
  python -m curriculum prune --state killed --older-than 7d

exit codes of run and resume: 0 the target is reached, 3 stopped short of it, 2 a mistake in what was asked,
1 the run failed, 130 interrupted, 143 terminated; a run that failed or was stopped can go on
"""


COMPARE_EXAMPLES = """\
examples:
  python -m curriculum compare lstm_firstbit --run
  python -m curriculum compare lstm_firstbit --strategies gated,direct,bandit --seeds 0..9 \\
      --budget 3e11 --run --jobs 2 --growth.until 200
  python -m curriculum compare lstm_firstbit bert_reverse --report report.html
  python -m curriculum compare lstm_firstbit --json
"""

SOURCE = "the file that defines a user's task or model"
STATES = ("reached", "stopped", "interrupted", "failed", "killed", "damaged")
AGES = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are usage errors, said in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def build_parser() -> Parser:
    """The parser of the command line; what an experiment's settings take is left unparsed."""
    parser = Parser(
        prog="python -m curriculum",
        description="Curriculum learning of sequence models: how far can a model get?",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, *, add_help: bool = True) -> Parser:
        made: Parser = commands.add_parser(
            name, help=text, description=text, allow_abbrev=False, add_help=add_help
        )
        return made

    command("list", "list the experiments, a line each")

    _add_run_options(command("run", "run an experiment", add_help=False))

    made = command("resume", "go on with a run that stopped before its end")
    _add_run(made)
    made.add_argument("--device", help="auto, cpu or cuda; default: the one that it was begun on")
    made.add_argument("--source", type=Path, metavar="PATH", help=SOURCE)
    _add_running_options(made, threads="as it was begun with")

    _add_run(command("explain", "say why each visit advanced, or did not"))

    made = command("show", "show inputs, targets and predictions of the final model")
    _add_run(made)
    made.add_argument("--length", type=int, metavar="N", help="default: the reach")
    made.add_argument("--input", metavar="TEXT", help="show this input, in place of examples")
    made.add_argument("--vocab-size", type=int, metavar="V", help="default: the reach's")
    made.add_argument("--examples", type=_from_one_up, default=10, metavar="N", help="default: 10")
    made.add_argument("--source", type=Path, metavar="PATH", help=SOURCE)

    made = command("certify", "test the final model again, on its path or on inputs of any length")
    _add_run(made)
    made.add_argument(
        "--length",
        type=_from_one_up,
        action="append",
        metavar="N",
        help="test this length alone; may be given several times; default: the path, and beyond",
    )
    made.add_argument("--vocab-size", type=_from_one_up, metavar="V", help="default: the reach's")
    made.add_argument(
        "--examples",
        type=_from_one_up,
        metavar="N",
        help="of a length with more inputs than can all be tested; default: as the run's settings say",
    )
    made.add_argument("--threads", type=_threads, default=1, metavar="N", help="default: 1")
    made.add_argument("--json", action="store_true", help="print the findings as one JSON object")
    made.add_argument("--source", type=Path, metavar="PATH", help=SOURCE)

    _add_compare_options(command("compare", "which strategy gets how far, at what cost?"))

    made = command("runs", "list the store's runs, newest last, and how to go on with each")
    _add_store(made)
    made.add_argument("--json", action="store_true", help="print them as one JSON list")

    made = command("rm", "delete runs wholly: their folders, their copies in MLflow, their studies")
    made.add_argument(
        "runs", nargs="+", metavar="RUN", help="an id, the beginning of one, or 'last'"
    )
    _add_deletion_options(made)

    _add_prune_options(command("prune", "delete all runs that fulfil what is asked"))

    made = command("sync", "bring MLflow and Optuna's storage up to date with a run")
    _add_run(made)
    _add_uri(made)
    _add_studies(made)
    made.add_argument("--follow", action="store_true", help="go on until the run is over")

    made = command(
        "ui", "open MLflow's UI on the store, and Optuna's dashboard, on this machine alone"
    )
    _add_store(made)
    _add_studies(made)
    made.add_argument("--port", type=int, default=5000, metavar="N", help="default: 5000")
    return parser


def _add_run_options(made: Parser) -> None:
    """What `run` takes, besides an experiment's settings."""
    made.usage = "python -m curriculum run EXPERIMENT[:NAME] [options] [--part.setting VALUE ...]"
    made.add_argument(
        "experiment", nargs="?", metavar="EXPERIMENT", help="a name from 'list', or a Python file"
    )
    made.add_argument(
        "-h", "--help", action="store_true", help="after an experiment: with all its settings"
    )
    made.add_argument("--seed", type=int, default=0, help="default: 0")
    _add_store(made)
    made.add_argument("--device", default="auto", help="auto, cpu or cuda; default: auto")
    made.add_argument("--dry-run", action="store_true", help="print path, looks and budget alone")
    made.add_argument(
        "--resume",
        action="store_true",
        help="go on with this experiment and seed if unfinished, or give its result",
    )
    _add_running_options(made, threads="by the model's size")
    made.set_defaults(print_help=made.print_help)


def _add_compare_options(made: Parser) -> None:
    """What `compare` takes, besides an experiment's settings."""
    made.usage = "python -m curriculum compare EXPERIMENT ... [options] [--part.setting VALUE ...]"
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    made.epilog = COMPARE_EXAMPLES
    made.add_argument(
        "experiments", nargs="+", metavar="EXPERIMENT", help="names from 'list', or Python files"
    )
    made.add_argument(
        "--strategies", metavar="A,B", help="default: all in the store; with --run, gated,direct"
    )
    made.add_argument(
        "--seeds", metavar="LIST", help="such as 0..5 or 0,2,7; default with --run: 0..5"
    )
    made.add_argument(
        "--budget",
        metavar="N",
        help="with --run: what each strategy may spend with each seed: compute, or N tokens, "
        "steps or s as in 60s; default: 500 steps on the last stage for each learning rate",
    )
    made.add_argument(
        "--learning-rates",
        metavar="LIST",
        help="which share the budget; default with --run: the experiment's, a third and thrice",
    )
    made.add_argument("--run", action="store_true", help="first run what is missing")
    made.add_argument("--jobs", type=_from_one_up, metavar="N", help="runs at a time; default: 1")
    made.add_argument("--threads", type=_threads, metavar="N", help="default: by the model's size")
    made.add_argument("--device", help="auto, cpu or cuda; default: auto")
    _add_store(made)
    made.add_argument("--json", action="store_true", help="print a JSON list of the comparisons")
    made.add_argument("--csv", type=Path, metavar="PATH", help="write every stage's figures")
    made.add_argument(
        "--report",
        type=Path,
        metavar="PATH",
        help="write an HTML report with plots, and attach it to MLflow",
    )
    _add_uri(made)


def _add_prune_options(made: Parser) -> None:
    """Which runs `prune` deletes."""
    made.add_argument(
        "--state",
        action="append",
        choices=STATES,
        metavar="STATE",
        help=f"{', '.join(STATES[:-1])} or {STATES[-1]}; may be given several times",
    )
    made.add_argument(
        "--older-than",
        type=_age,
        metavar="AGE",
        help="whose last record is older, such as 30m, 12h, 7d or 2w",
    )
    made.add_argument("--experiment", metavar="NAME", help="of that experiment")
    made.add_argument("--all", action="store_true", help="all runs but those that are running")
    _add_deletion_options(made)


def _add_deletion_options(made: Parser) -> None:
    """What `rm` and `prune` take alike."""
    _add_store(made)
    made.add_argument("--yes", action="store_true", help="don't ask")
    _add_uri(made)
    _add_studies(made)


def _add_running_options(made: Parser, *, threads: str) -> None:
    """What `run` and `resume` take alike."""
    made.add_argument("--threads", type=_threads, metavar="N", help=f"default: {threads}")
    made.add_argument("--wait", action="store_true", help="wait until MLflow has all of it")
    made.add_argument("--json", action="store_true", help="print the result as one JSON object")
    made.add_argument(
        "--jobs",
        type=_from_one_up,
        default=1,
        metavar="N",
        help="processes that train a round's trials, at most 4; the result is the same",
    )
    made.add_argument(
        "--checkpoint-every",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="between checkpoints amid a stage; default: 30",
    )
    made.add_argument(
        "--keep",
        type=_from_one_up,
        default=2,
        metavar="N",
        help="newest checkpoints to keep, besides one of each mastered stage; default: 2",
    )
    made.add_argument(
        "--force",
        action="store_true",
        help="go on even if experiment, search space or versions have changed",
    )
    _add_uri(made)
    _add_studies(made)


def _add_store(made: Parser) -> None:
    made.add_argument(
        "--store", type=Path, default=Path("mlruns"), metavar="DIR", help="default: mlruns"
    )


def _add_run(made: Parser) -> None:
    made.add_argument("run", metavar="RUN", help="an id, the beginning of one, or 'last'")
    _add_store(made)


def _add_studies(made: Parser) -> None:
    made.add_argument(
        "--studies",
        metavar="URL",
        help="Optuna's storage, a URL or a file; default: CURRICULUM_STUDIES, or a file "
        "in the store",
    )


def _add_uri(made: Parser) -> None:
    made.add_argument(
        "--tracking-uri",
        metavar="URI",
        help="MLflow's; default: MLFLOW_TRACKING_URI, or a database in the store",
    )


def _from_one_up(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, at least 1, got {text!r}")
    return int(text)


def _threads(text: str) -> int:
    """Up to four for each core: more only wait for each other, and thousands hang."""
    threads, most = _from_one_up(text), 4 * (os.cpu_count() or 1)
    if threads > most:
        raise argparse.ArgumentTypeError(f"must be from 1 to {most} here, got {threads}")
    return threads


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, from 0 up, got {text!r}")
    return seconds


def _age(text: str) -> float:
    """Seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text.strip(), re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"must be a number with m, h, d or w, such as 30m, 12h, 7d or 2w, got {text!r}"
        )
    return float(found[1]) * AGES[found[2]]
