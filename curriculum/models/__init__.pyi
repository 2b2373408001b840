from .bert import Bert as Bert
from .language_model import LanguageModel as LanguageModel
from .linear_recurrent import LinearRecurrent as LinearRecurrent
from .min_gru import MinGRU as MinGRU
from .recurrent import Recurrent as Recurrent
from .seq2seq import Seq2Seq as Seq2Seq
from .stack_rnn import StackRNN as StackRNN
