"""The tasks that come with the package, one a file."""

from tasks.first_bit import FirstBit
from tasks.reverse import Reverse

__all__ = ["FirstBit", "Reverse"]
