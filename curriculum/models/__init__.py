"""Models, as settings that are light to import; their networks load torch when built."""

from curriculum.models.bert import Bert
from curriculum.models.recurrent import Recurrent

__all__ = ["Bert", "Recurrent"]
