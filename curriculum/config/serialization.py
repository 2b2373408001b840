"""Experiments as JSON and back, without running code that a file on disk names."""

import importlib
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from curriculum.config.discovery import USERS_FILE
from curriculum.config.experiment import Experiment
from curriculum.errors import UsageError

PACKAGE = "curriculum"
MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def serialize(value: Any) -> Any:
    """Nested settings as JSON; a dataclass becomes `{"type": "module:Class", field: …}`."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        found = {"type": f"{kind.__module__}:{kind.__qualname__}"}
        return found | {part.name: serialize(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, tuple | list):
        return [serialize(part) for part in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise UsageError(
        f"an experiment's settings are dataclasses, numbers, strings and tuples of these, "
        f"got {type(value).__name__}"
    )


def deserialize(described: Any, source: ModuleType | None = None) -> Experiment:
    """The experiment that `serialize` described.

    Classes are taken from this package, and from the module `source`, which only the
    caller can name.

    Raises:
        UsageError: for a class of any other module, or where none was described.
    """
    try:
        experiment = _deserialize(described, source)
    except UsageError:
        raise
    except MALFORMED as error:
        raise UsageError(
            f"what is described is no experiment ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(experiment, Experiment):
        raise UsageError(f"what is described is no Experiment but {type(experiment).__name__}")
    return experiment


def names_own_classes(described: Any) -> bool:
    """Whether what `serialize` described has a class of another module than this package's.

    >>> names_own_classes({"task": {"type": "curriculum.tasks:FirstBit"}, "n": [{"type": "a:B"}]})
    True
    """
    if isinstance(described, list):
        return any(map(names_own_classes, described))
    if not isinstance(described, dict):
        return False
    kind = str(described.get("type", PACKAGE)).partition(":")[0].split(".")[0]
    return kind != PACKAGE or any(map(names_own_classes, described.values()))


def is_own(experiment: Experiment) -> bool:
    """Whether any of its classes is a user's own, not this package's."""
    return bool(own_classes(experiment))


def own_classes(experiment: Experiment) -> list[type]:
    """Those of its classes, and of their parents, that are a user's own; by name."""
    classes = (kind for kind in vars(classes_of(experiment)).values() if isinstance(kind, type))
    found = {parent for kind in classes for parent in kind.__mro__}
    theirs = (PACKAGE, "builtins", "typing", "abc")
    own = [kind for kind in found if kind.__module__.split(".")[0] not in theirs]
    return sorted(own, key=lambda kind: kind.__qualname__)


def classes_of(experiment: Experiment) -> ModuleType:
    """A module that holds the classes which an experiment's parts are of, by name."""
    found = ModuleType("classes_of_an_experiment")
    waiting = [*experiment.parts().values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, tuple | list):
            waiting += value
        elif is_dataclass(value):
            setattr(found, type(value).__qualname__, type(value))
            waiting += (getattr(value, part.name) for part in fields(value))
    return found


def _deserialize(described: Any, source: ModuleType | None) -> Any:
    if isinstance(described, list):
        return tuple(_deserialize(part, source) for part in described)
    if not isinstance(described, dict):
        return described
    kind = _class(described["type"], source)
    values = {
        name: _deserialize(part, source) for name, part in described.items() if name != "type"
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise UsageError(f"{kind.__name__} has changed since the run: {error}") from error


def _class(name: str, source: ModuleType | None) -> Any:
    module, _, qualified = name.partition(":")
    if module.split(".")[0] == PACKAGE:
        try:
            found: Any = getattr(importlib.import_module(module), qualified, None)
        except ImportError:
            found = None
    elif source is not None:
        found = getattr(source, qualified, None) or _beside(source, module, qualified)
    else:
        raise UsageError(
            f"{qualified} is defined in a user's own file, and code is only run from a file "
            f"that you name: give its path as `source` (on the command line --source PATH), or, "
            f"where it is defined in a notebook, the experiment as `experiment`"
        )
    if not (isinstance(found, type) and is_dataclass(found)):
        raise UsageError(f"there is no settings class {qualified} in {module}")
    return found


def _beside(source: ModuleType, module: str, qualified: str) -> Any:
    """A class of a module that the source has imported from its own folder; None for none."""
    imported = None if module.startswith(USERS_FILE) else sys.modules.get(module)
    of, file = getattr(source, "__file__", None), getattr(imported, "__file__", None)
    if of is None or file is None or not Path(file).is_relative_to(Path(of).absolute().parent):
        return None
    return getattr(imported, qualified, None)
