"""What a user got wrong, and what a run could not go on without, each said in one sentence."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["RunFailed", "UsageError", "did_you_mean"]


class UsageError(ValueError):
    """A setting, name or file that can't be used.

    Its message is one sentence: the rule, the value received, the way out. The
    command line prints it without a traceback and exits with code 2.
    """


class RunFailed(RuntimeError):
    """What keeps a run from going on: a full disk, too little memory, a record that differs.

    Its message is one sentence, with the way out; what is on disk is whole. The command
    line prints it without a traceback and exits with code 1.
    """


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The tail of an error message that names the nearest of the `known` names, or all of them.

    >>> did_you_mean("lstm_firstbit2", ["lstm_firstbit", "bert"])
    'did you mean lstm_firstbit?'
    """
    import difflib  # only mistakes need it

    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"known: {', '.join(names) or 'none'}"
