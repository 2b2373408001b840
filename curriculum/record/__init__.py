"""The record of a run on disk: its journal, checkpoints and description, in a store."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
