"""The command line: reads a command, carries it out, and turns errors into exit codes."""

import logging
import os
import re
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from curriculum import __version__
from curriculum.cli import (
    certify,
    check,
    compare,
    delete,
    export,
    listing,
    optimize,
    run,
    show,
    sweep,
    sync,
    ui,
)
from curriculum.cli.parser import Commands, Parser
from curriculum.cli.terminal import WarningHandler, open_standard_streams, print_error
from curriculum.errors import RunFailed, UsageError, did_you_mean

EXAMPLES = """\
examples:
  python -m curriculum list
  python -m curriculum run lstm_firstbit
  python -m curriculum run lstm_firstbit --help
  python -m curriculum run gru_firstbit --seed 3 --growth.factor 2
  python -m curriculum run my_task.py --growth galloping --dry-run
  python -m curriculum resume last
  python -m curriculum explain last
  python -m curriculum show last --length 20
  python -m curriculum certify last --length 41..500
  python -m curriculum export last --to exported
  python -m curriculum compare lstm_firstbit --strategies gated,direct --run
  python -m curriculum sweep lstm_firstbit --strategies gated,direct --seeds 0..7
  python -m curriculum optimize lstm_firstbit --over growth.factor=1.2..4
  python -m curriculum ui

exit codes of run and resume:
  0    the target was reached
  1    the run failed; 'resume' continues it once the cause is fixed
  2    a mistake on the command line or in a user's file
  3    the run ended before the target
  130  interrupted (143: terminated); 'resume' continues it
"""


def program() -> NoReturn:
    """Carry out the command that was typed, and exit with its code."""
    try:
        code = main()
    except KeyboardInterrupt:  # one more, while the first was dealt with
        code = 130
    # All is over: one more interrupt would only break into Python's exit, with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command and give its exit code."""
    open_standard_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    logger = logging.getLogger("curriculum")
    if not logger.handlers:
        logger.addHandler(WarningHandler(logging.WARNING))
    try:
        return _execute(given)
    except UsageError as error:
        print_error(error)
        return 2
    except RunFailed as error:
        print_error(error)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone. Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def build_commands() -> tuple[Parser, Commands]:
    """The program's parser, and its commands in the order of its help."""
    program = Parser(
        prog="python -m curriculum",
        description="Train a sequence model on increasingly hard stages, and see how far it gets.",
        epilog=EXAMPLES,
    )
    program.add_argument("--version", action="version", version=f"curriculum {__version__}")
    commands = Commands(program)
    text = "list experiments, by family"
    commands.add("list", text, listing.list_experiments, epilog=listing.EXAMPLES)
    commands.add(
        "run", "run an experiment", run.run, usage=run.USAGE, epilog=run.EXAMPLES, add_help=False
    )
    commands.add("resume", "resume a run; print its result", run.resume)
    commands.add("explain", "explain why each stage was passed, or not", show.explain)
    commands.add("show", "show inputs, targets and predictions of the final model", show.show)
    commands.add("runs", "list the store's runs, newest last, and how to resume each", show.runs)
    text = "go through a store: what is damaged, unfinished, or not in MLflow"
    commands.add("check", text, check.check, epilog=check.EXAMPLES)
    text = "evaluate the final model again, on all stages or on inputs of any length"
    commands.add("certify", text, certify.certify, epilog=certify.EXAMPLES)
    text = "write the final model as a folder that transformers loads without this package"
    commands.add("export", text, export.export, epilog=export.EXAMPLES)
    text = "compare strategies: which gets how far, at what cost"
    commands.add("compare", text, compare.compare, usage=compare.USAGE, epilog=compare.EXAMPLES)
    text = "run many experiments, strategies, seeds and settings"
    commands.add("sweep", text, sweep.sweep, usage=sweep.USAGE, epilog=sweep.EXAMPLES)
    text = "show how far the store's sweeps are, or cancel one"
    commands.add("sweeps", text, sweep.show_sweeps)
    text = "search for the curriculum that reaches the target at the least cost, and confirm it"
    commands.add(
        "optimize", text, optimize.optimize, usage=optimize.USAGE, epilog=optimize.EXAMPLES
    )
    text = "delete runs: their folders, their copies in MLflow, their studies"
    commands.add("rm", text, delete.rm)
    commands.add("prune", "delete all runs that match the given conditions", delete.prune)
    commands.add("sync", "bring MLflow and Optuna's storage up to date with a run", sync.sync)
    text = "open MLflow's UI on the store, and Optuna's dashboard, on localhost only"
    commands.add("ui", text, ui.ui)
    return program, commands


def _execute(given: list[str]) -> int:
    program, commands = build_commands()
    if given and given[0].startswith("--") and given[0] not in program.option_names:
        raise UsageError(
            f"there is no option {given[0]} before the command; "
            f"{did_you_mean(given[0], program.option_names)}"
        )
    if given and not given[0].startswith("-") and given[0] not in commands.parsers:
        raise UsageError(
            f"there is no command {given[0]!r}; {did_you_mean(given[0], commands.parsers)}"
        )
    if given[:1] == ["run"] and re.match(r"--\w[\w-]*\.", " ".join(given[1:2])):
        raise UsageError("the experiment comes first: run EXPERIMENT --part.setting VALUE")
    return commands.execute(given)
