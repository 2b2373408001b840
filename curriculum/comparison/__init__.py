"""What runs say about strategies: which can be compared, medians, intervals and verdicts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
