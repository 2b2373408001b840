"""Curriculum learning of sequence models: how far can a model get?

Public names, listed in `__init__.pyi`, are imported when they are first used, so that importing
this package is quick.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
