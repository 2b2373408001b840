"""MLflow, which is known here alone: the mirror of runs, its deletion, and its UI."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
