"""Models, as settings that are light to import; their networks load torch when built."""

from curriculum.models.bert import Bert
from curriculum.models.language_model import LanguageModel
from curriculum.models.recurrent import Recurrent
from curriculum.models.seq2seq import Seq2Seq

__all__ = ["Bert", "LanguageModel", "Recurrent", "Seq2Seq"]
