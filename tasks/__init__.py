"""The tasks that come with the package, one a file."""

from tasks.first_bit import FirstBit
from tasks.human_numbers import HumanNumbers
from tasks.reverse import Reverse
from tasks.subsequence import Subsequence

__all__ = ["FirstBit", "HumanNumbers", "Reverse", "Subsequence"]
