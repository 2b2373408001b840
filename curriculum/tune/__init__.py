"""Optuna, which is known here alone: the search of settings, its studies and its dashboard."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
