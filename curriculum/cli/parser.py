"""Reads the command line: each command's arguments into a request of its own."""

import argparse
import difflib
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from inspect import get_annotations
from typing import Any, NoReturn, get_type_hints

from curriculum import config
from curriculum.cli.terminal import WHOLE_WORDS
from curriculum.cli.values import METAVARS
from curriculum.errors import UsageError

ARGUMENT = "argument"
"""Under which a field keeps how it is read."""


class Formatter(argparse.HelpFormatter):
    """Wraps at the terminal's width; examples keep their lines, which are wrapped one by one."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = partial(textwrap.fill, width=width, initial_indent=indent, **WHOLE_WORDS)

        def filled(line: str) -> str:
            return fill(text=line, subsequent_indent=indent + " " * 6 * line.startswith(" "))

        return "\n".join(map(filled, text.splitlines()))

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, **WHOLE_WORDS)

    def _format_usage(self, usage: str | None, *rest: Any) -> str:
        """Wraps a usage that is given, too, but not within brackets."""
        if usage is None:
            return super()._format_usage(usage, *rest)
        text = re.sub(r"\[.*?\]", lambda found: found[0].replace(" ", "\0"), f"usage: {usage}")
        filled = textwrap.fill(text, self._width, subsequent_indent=" " * 7, **WHOLE_WORDS)
        return filled.replace("\0", " ") + "\n\n"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are usage errors, each in one sentence."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=Formatter, allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong as a usage error."""
        raise UsageError(f"{message} (see {self.prog} --help)")

    @property
    def option_names(self) -> list[str]:
        """Its options, such as `--seed`."""
        names = (name for action in self._actions for name in action.option_strings)
        return [name for name in names if name.startswith("--")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """How argparse reads a field of a request."""

    is_option: bool
    short: tuple[str, ...] = ()
    settings: Mapping[str, Any]


def argument(metavar: str, help: str, **settings: Any) -> Any:  # noqa: A002 - as argparse has it
    """A field of a request that is read from a positional argument."""
    settings |= {"metavar": metavar, "help": help}
    return field(metadata={ARGUMENT: Argument(is_option=False, settings=settings)})


def option(
    help: str,  # noqa: A002 - as argparse has it
    type: Callable[[str], Any] = str,  # noqa: A002
    metavar: str | None = None,
    *,
    default: Any = None,
    short: tuple[str, ...] = (),
    **settings: Any,
) -> Any:
    """A field of a request that is read from the option of its name; without a value for `bool`.

    The help ends with the default, where there is one.
    """
    if type is bool:
        settings["action"] = "store_true"
    else:
        settings |= {"type": type, "metavar": metavar or METAVARS.get(type), "default": default}
    settings["help"] = help if default in (None, []) else f"{help} (default: {default})"
    return field(metadata={ARGUMENT: Argument(is_option=True, short=short, settings=settings)})


def arguments_of(request: type[Any]) -> dict[str, Argument]:
    """By field, how a request's arguments are read: its own first, then those of its bases."""
    known = {each.name: each.metadata for each in fields(request)}
    names = dict.fromkeys(name for kind in request.__mro__ for name in get_annotations(kind))
    return {name: known[name][ARGUMENT] for name in names if ARGUMENT in known[name]}


class Commands:
    """The commands of a program.

    Attributes:
        parsers: by name, what reads each command's arguments.
    """

    def __init__(self, program: Parser) -> None:
        self.parsers: dict[str, Parser] = {}
        self._program = program
        self._subparsers = program.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        self, name: str, description: str, execute: Callable[[Any], int], **settings: Any
    ) -> None:
        """Add a command.

        Args:
            name: of the command.
            description: for the help.
            execute: carries out a `request`, of the class that it is annotated with; gives
                the exit code.
            settings: of the command's parser.
        """
        sentence = f"{description[0].upper()}{description[1:]}."
        parser: Parser = self._subparsers.add_parser(
            name, help=description, description=sentence, **settings
        )
        request = get_type_hints(execute)["request"]
        for field_name, found in arguments_of(request).items():
            flags = (*found.short, f"--{field_name.replace('_', '-')}")
            parser.add_argument(*(flags if found.is_option else [field_name]), **found.settings)
        parser.set_defaults(request=request, execute=execute)
        self.parsers[name] = parser

    def execute(self, arguments: Sequence[str]) -> int:
        """Read a command and carry it out; its exit code.

        Raises:
            UsageError: for what the command doesn't take.
        """
        namespace, overrides = self._program.parse_known_args(arguments)
        names = [each.name for each in fields(namespace.request)]
        self._check_options(namespace.command, overrides, takes_settings="overrides" in names)
        namespace.overrides, namespace.words = tuple(overrides), tuple(arguments)
        namespace.parser = self.parsers[namespace.command]
        request = namespace.request(**{name: getattr(namespace, name) for name in names})
        code: int = namespace.execute(request)
        return code

    def _check_options(self, command: str, words: Sequence[str], *, takes_settings: bool) -> None:
        """Check that what is left over can be settings of an experiment."""
        if words and not takes_settings and not words[0].startswith("--"):
            raise UsageError(f"{command} takes no argument {words[0]!r}; see {command} --help")
        for word in words:
            name = word.partition("=")[0]
            if not name.startswith("--") or (takes_settings and config.names_setting(name)):
                continue
            near = difflib.get_close_matches(name, self.parsers[command].option_names, 1, 0.75)
            others = [other for other, p in self.parsers.items() if name in p.option_names]
            if near or others or not takes_settings:
                where = f"did you mean {near[0]}?" if near else f"see {command} --help"
                if others and not near:
                    where = f"it is an option of {_listed(others)}"
                raise UsageError(f"{command} has no option {name}; {where}")


def _listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> _listed(["run"]), _listed(["run", "resume", "compare"])
    ('run', 'run, resume and compare')
    """
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
