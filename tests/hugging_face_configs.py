"""Small configurations of transformers, by kind."""

from typing import Any

CONFIGS: dict[str, dict[str, Any]] = {
    "gpt2": {"model_type": "gpt2", "n_embd": 8, "n_head": 2, "n_layer": 2},
    "llama": {
        "model_type": "llama",
        "hidden_size": 8,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "intermediate_size": 12,
    },
    "bert": {
        "model_type": "bert",
        "hidden_size": 8,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "intermediate_size": 12,
    },
    "roberta": {
        "model_type": "roberta",
        "hidden_size": 8,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "intermediate_size": 12,
    },
    "distilbert": {
        "model_type": "distilbert",
        "dim": 8,
        "n_heads": 2,
        "n_layers": 2,
        "hidden_dim": 9,
    },
    "mamba": {"model_type": "mamba", "hidden_size": 8, "num_hidden_layers": 1, "state_size": 4},
}
