"""What to train on, and when to move on: pure decisions, without torch and without I/O."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
