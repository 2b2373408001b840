"""What the command line takes: its commands and their options."""

from __future__ import annotations

import argparse
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
  python -m curriculum explain last
  python -m curriculum show last --length 20
  python -m curriculum show last --input "0 1 2 3 4"
  python -m curriculum ui

exit codes: 0 the target is reached, 3 stopped short of it, 2 a mistake in what was asked,
130 interrupted
"""


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

    _add_run(command("explain", "say why each visit advanced, or did not"))

    made = command("show", "show inputs, targets and predictions of the final model")
    _add_run(made)
    made.add_argument("--length", type=int, metavar="N", help="default: the reach")
    made.add_argument("--input", metavar="TEXT", help="show this input, in place of examples")
    made.add_argument("--vocab-size", type=int, metavar="V", help="default: the reach's")
    made.add_argument("--examples", type=_from_one_up, default=10, metavar="N", help="default: 10")
    made.add_argument(
        "--source", type=Path, metavar="PATH", help="the file that defines a user's task or model"
    )

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
    made.add_argument(
        "--threads", type=_from_one_up, metavar="N", help="default: by the model's size"
    )
    made.add_argument("--dry-run", action="store_true", help="print path, looks and budget alone")
    made.add_argument("--wait", action="store_true", help="wait until MLflow has all of it")
    made.add_argument("--json", action="store_true", help="print the result as one JSON object")
    made.add_argument(
        "--jobs",
        type=_from_one_up,
        default=1,
        metavar="N",
        help="processes that train a round's trials, at most 4; the result is the same",
    )
    _add_uri(made)
    _add_studies(made)
    made.set_defaults(print_help=made.print_help)


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
