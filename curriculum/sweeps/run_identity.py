"""The id of a run that is planned: a function of what it is, so that whoever plans it again means the same."""

import hashlib
import json
from pathlib import Path

from curriculum.config import Experiment, is_own, own_classes
from curriculum.learn import pretrained_digest
from curriculum.record import Json, classes_sha256, source_sha256

DIGITS = 12
"""Of an id: among a million runs two share one in 0.2 % of cases."""


def settled_part(experiment: Experiment, source: Path | None) -> str:
    """What the ids of all runs of an experiment depend on, but for the seed.

    These are its name, its settings, and the digests of the user's code and data that it takes; nothing
    of this package, of the machine or of the time.
    """
    own: Json = None
    if is_own(experiment):
        own = classes_sha256(own_classes(experiment)) if source is None else source_sha256(source)
    data = experiment.task.data_digest, pretrained_digest(experiment.model)
    content = [experiment.name, experiment.flat(), own, *data]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def planned_run_id(settled: str, seed: int, *more: Json) -> str:
    """The id of a run with that seed; `more` is what else tells it from others."""
    content = json.dumps([settled, seed, *more], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:DIGITS]
