"""The tasks that come with the package, one a file; to Python, this is `curriculum.tasks`."""

from curriculum.tasks.adding import Adding as Adding
from curriculum.tasks.first_bit import FirstBit as FirstBit
from curriculum.tasks.human_numbers import HumanNumbers as HumanNumbers
from curriculum.tasks.noisy_latch import NoisyLatch as NoisyLatch
from curriculum.tasks.reverse import Reverse as Reverse
from curriculum.tasks.subsequence import Subsequence as Subsequence
