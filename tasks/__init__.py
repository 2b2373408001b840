"""The tasks that come with the package, one a file; to Python, this is `curriculum.tasks`."""

from curriculum.tasks.binary_addition import BinaryAddition as BinaryAddition
from curriculum.tasks.binary_multiplication import BinaryMultiplication as BinaryMultiplication
from curriculum.tasks.bracketed_arithmetic import BracketedArithmetic as BracketedArithmetic
from curriculum.tasks.bucket_sort import BucketSort as BucketSort
from curriculum.tasks.cycle_navigation import CycleNavigation as CycleNavigation
from curriculum.tasks.duplicate import Duplicate as Duplicate
from curriculum.tasks.even_pairs import EvenPairs as EvenPairs
from curriculum.tasks.first_bit import FirstBit as FirstBit
from curriculum.tasks.human_numbers import HumanNumbers as HumanNumbers
from curriculum.tasks.missing_duplicate import MissingDuplicate as MissingDuplicate
from curriculum.tasks.modular_arithmetic import ModularArithmetic as ModularArithmetic
from curriculum.tasks.odds_first import OddsFirst as OddsFirst
from curriculum.tasks.parity import Parity as Parity
from curriculum.tasks.reverse import Reverse as Reverse
from curriculum.tasks.solve_equation import SolveEquation as SolveEquation
from curriculum.tasks.square_root import SquareRoot as SquareRoot
from curriculum.tasks.stack_manipulation import StackManipulation as StackManipulation
from curriculum.tasks.subsequence import Subsequence as Subsequence
