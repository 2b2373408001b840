"""The tasks that come with the package, one a file; to Python, this is `curriculum.tasks`."""

from curriculum.tasks.adding import Adding as Adding
from curriculum.tasks.anbn import AnBn as AnBn
from curriculum.tasks.associative_recall import AssociativeRecall as AssociativeRecall
from curriculum.tasks.copy_memory import CopyMemory as CopyMemory
from curriculum.tasks.decimal_addition import DecimalAddition as DecimalAddition
from curriculum.tasks.dyck_membership import DyckMembership as DyckMembership
from curriculum.tasks.dyck_next_symbol import DyckNextSymbol as DyckNextSymbol
from curriculum.tasks.first_bit import FirstBit as FirstBit
from curriculum.tasks.human_numbers import HumanNumbers as HumanNumbers
from curriculum.tasks.noisy_latch import NoisyLatch as NoisyLatch
from curriculum.tasks.pointer_chasing import PointerChasing as PointerChasing
from curriculum.tasks.reverse import Reverse as Reverse
from curriculum.tasks.subsequence import Subsequence as Subsequence
from curriculum.tasks.temporal_order import TemporalOrder as TemporalOrder
