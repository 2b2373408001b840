"""A run: the core loop, how it is started and resumed, and how its model is evaluated at the end."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
