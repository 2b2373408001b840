"""Many runs: which, how each is made, and the pool of processes that makes them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
