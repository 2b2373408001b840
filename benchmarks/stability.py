"""Whether short sequences at first keep the training of a language model stable: the claim of Li et al.

    python benchmarks/stability.py --dry-run
    python benchmarks/stability.py --json rows.json

Li, Zhang & He 2022, "The Stability-Efficiency Dilemma" (arXiv 2108.06084): at large learning rates and
large batches the loss of GPT-2 spikes or diverges, and less so where the length of sequences rises along a
line from 8 to the whole. There a spike is a step whose loss is more than 1.2 times the least loss of all
steps before it (their table 1). Their batches are large; here a small batch, or a short length, makes losses
that scatter by more than that, so losses are means over as many tokens for all: those of the largest batch.

For each learning rate, batch and seed there are two runs over as many tokens, one at the whole length
throughout, and one whose length rises until a part of the tokens is used up. The learning rate rises for
the first 5 % of the tokens, and falls along a cosine. Stop it at any time: it goes on after the rows
that the file has.
"""

from __future__ import annotations

import argparse
import math
import sysconfig
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recorded_rows import Row, known_row, rows_of, stored_rows
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModelForCausalLM

from curriculum.data import BYTES, Corpus, DocumentSet
from curriculum.learn import configure_threads, generator

RATES = (1e-3, 4e-3, 1.6e-2, 6.4e-2)
BATCHES = (8, 32, 128)
"""Sequences of a batch, whatever their length."""

SEEDS = (1, 2)
LENGTH, SHORTEST = 128, 8
TOKENS = 1_500_000
WARM_UP = 0.05
"""Of the tokens, for which the learning rate rises."""

RISING = 0.4
"""Of the tokens, for which the length rises where it does."""

SPIKE = 1.2
TOKENS_A_MEAN = max(BATCHES) * LENGTH
"""That a loss is the mean over: of one step of the largest batch, or of several steps."""

HELD_OUT = 256
"""Documents that the final loss is measured on."""


def main() -> None:
    """Make all runs that are not made yet, and print each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--tokens", type=int, default=TOKENS, help="of each run")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--json", type=Path, help="append a line for each run to this file")
    parser.add_argument("--dry-run", action="store_true", help="say how many runs are to be made")
    options = parser.parse_args()
    keys: list[Row] = [
        {"seed": seed, "rate": rate, "batch": batch, "rising": rising, "tokens": options.tokens}
        for seed, rate, batch, rising in product(
            options.seeds, options.rates, options.batches, (True, False)
        )
    ]
    known = [] if options.json is None else stored_rows(options.json)
    made = sum(known_row(key, known) is not None for key in keys)
    print(f"{made} of {len(keys)} runs are made", flush=True)
    if not options.dry_run:
        rows_of(keys, run_one, file=options.json, jobs=options.jobs)


def run_one(key: Row) -> Row:
    """What a run came to."""
    configure_threads(1)
    documents = Corpus(
        files="**/*.py",
        root=sysconfig.get_paths()["stdlib"],
        exclude=("site-packages", "dist-packages"),
    ).load()
    torch.manual_seed(key["seed"])
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=key["rate"], fused=True)
    rng = generator(key["seed"], "stability")
    losses: list[float] = []
    total, counted, steps = 0.0, 0, 0
    used, started = 0, time.perf_counter()
    while used < key["tokens"] and math.isfinite(total):
        part = used / key["tokens"]
        length = length_at(part) if key["rising"] else LENGTH
        for group in optimizer.param_groups:
            group["lr"] = key["rate"] * rate_at(part)
        train = documents.parts["train"]
        starts = np.array(rng.integers(train.symbol_count - length, size=key["batch"]))
        loss = loss_of(model, torch.from_numpy(train.windows(starts, length)))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        tokens = key["batch"] * length
        used, steps = used + tokens, steps + 1
        total, counted = total + loss.item() * tokens, counted + tokens
        if counted >= TOKENS_A_MEAN or not math.isfinite(total):
            losses.append(total / counted)
            total, counted = (0.0, 0) if math.isfinite(total) else (total, counted)
    return {
        "steps": steps,
        "seconds": round(time.perf_counter() - started, 1),
        **spikes(losses),
        "held_out": round(held_out_loss(model, documents.parts["certificate"]), 4),
        "losses": [round(loss, 3) for loss in losses],
    }


def network() -> Any:
    """GPT-2 of some 400,000 parameters, on bytes."""
    kind: Any = AutoModelForCausalLM
    settings = {"n_embd": 96, "n_layer": 3, "n_head": 4, "n_positions": LENGTH}
    plain = {"vocab_size": BYTES, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    ends = {"bos_token_id": None, "eos_token_id": None}
    return kind.from_config(AutoConfig.for_model("gpt2", **settings, **plain, **ends))


def loss_of(model: Any, symbols: Tensor) -> Tensor:
    """The mean loss in nats on windows with the symbol after them, (B, L + 1)."""
    inputs, targets = symbols[:, :-1].long(), symbols[:, 1:].long()
    logits = model(input_ids=inputs, use_cache=False).logits  # (B, L, V)
    return cross_entropy(logits.flatten(0, 1), targets.flatten())


def length_at(part: float) -> int:
    """The length where so much of the tokens is used up: along a line, in steps of 8."""
    reached = SHORTEST + (LENGTH - SHORTEST) * min(part / RISING, 1.0)
    return int(reached) // 8 * 8


def rate_at(part: float) -> float:
    """What the learning rate is multiplied by: up along a line, and down along a cosine."""
    if part < WARM_UP:
        return part / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (part - WARM_UP) / (1 - WARM_UP)))


def spikes(losses: list[float]) -> Row:
    """How many losses were above 1.2 times the least before them, how far, and whether it diverged."""
    least, count, farthest = math.inf, 0, 0.0
    for loss in losses:
        ratio = loss / least
        farthest = max(farthest, ratio)
        count += not ratio <= SPIKE  # a loss that is no number counts
        least = min(least, loss)
    last = losses[-max(1, len(losses) // 20) :]
    mean = sum(last) / len(last)
    return {
        "spikes": count,
        "farthest": round(farthest, 3),
        "diverged": not mean <= SPIKE * least,
    }


@torch.no_grad()
def held_out_loss(model: Any, documents: DocumentSet) -> float:
    """The mean loss in nats on a window of each of some held-out documents, at the whole length."""
    model.eval()
    lengths = documents.lengths(np.arange(documents.count))
    chosen = np.flatnonzero(lengths > LENGTH)[:HELD_OUT]
    symbols, _ = documents.within(chosen, np.zeros_like(chosen), LENGTH)
    return float(loss_of(model, torch.from_numpy(symbols)))


if __name__ == "__main__":
    main()
