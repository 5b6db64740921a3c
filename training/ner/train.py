"""Fine-tune the tagger: batches of windows, AdamW, linear warm-up and decay, one seed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from services.enrich.ner.words import Shape
from training.ner.data import IGNORED, Example, Sentence, one_pass
from training.ner.encoder import Tagger

#: Pieces in one window at most, the marks at both ends counted; run time packs to the same length.
WINDOW = 128
_CLS, _SEP = 101, 102
#: Goes once through the sets: runs of examples, one a window.
Passes = Callable[[dict[str, list[Sentence]], random.Random], Iterator[list[Example]]]


class Packer:
    """Turns runs of examples into windows of piece ids, shapes, candidate positions and their tags."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}

    def window(self, run: list[Example]) -> tuple[list[int], list[int], list[int], list[int], list[float], list[float]]:
        """Pack a run; what does not fit into ``WINDOW`` is left out."""
        ids, shapes, chosen, tags, weights, trust = [_CLS], [0], [], [], [], []
        for example in run:
            among = set(example.chosen)
            for i, word in enumerate(example.words):
                pieces = self._known.get(word)
                if pieces is None:
                    pieces = self._known[word] = self._tokenizer.encode(word, add_special_tokens=False).ids
                if not pieces:
                    continue
                if len(ids) + len(pieces) >= WINDOW:
                    break
                if i in among:
                    chosen.append(len(ids))
                    tags.append(example.tags[i])
                    weights.append(example.weight)
                    trust.append(example.trust)
                ids.extend(pieces)
                shapes.extend([int(example.shapes[i])] * len(pieces))
        return [*ids, _SEP], [*shapes, int(Shape.NONE)], chosen, tags, weights, trust


def batches(
    train: dict[str, list[Sentence]], packer: Packer, rng: random.Random, tokens: int, passes: Passes = one_pass
) -> Iterator[tuple[Tensor, ...]]:
    """Give padded batches of about ``tokens`` pieces without end; windows of like length go together."""
    while True:
        pool = []
        for run in passes(train, rng):
            pool.append(packer.window(run))
            if len(pool) == 512:
                yield from _drain(pool, rng, tokens)
                pool = []


def _drain(pool: list, rng: random.Random, tokens: int) -> Iterator[tuple[Tensor, ...]]:  # type: ignore[type-arg]
    pool = sorted((w for w in pool if w[2]), key=lambda w: len(w[0]))
    groups, at = [], 0
    while at < len(pool):
        size = 1
        while at + size < len(pool) and len(pool[at + size][0]) * (size + 1) <= tokens:
            size += 1
        groups.append(pool[at : at + size])
        at += size
    rng.shuffle(groups)
    for group in groups:
        length, few = max(len(w[0]) for w in group), max(len(w[2]) for w in group)
        yield (
            torch.tensor([w[0] + [0] * (length - len(w[0])) for w in group]),
            torch.tensor([w[1] + [0] * (length - len(w[1])) for w in group]),
            torch.tensor([w[2] + [-1] * (few - len(w[2])) for w in group]),
            torch.tensor([w[3] + [IGNORED] * (few - len(w[3])) for w in group]),
            torch.tensor([w[4] + [0.0] * (few - len(w[4])) for w in group]),
            torch.tensor([w[5] + [0.0] * (few - len(w[5])) for w in group]),
        )


def _losses(logits: Tensor, tags: Tensor, trust: Tensor, told: Tensor | None) -> Tensor:
    """Cross entropy of each candidate [B, C] against its tag, or against tag and teacher mixed by ``trust``."""
    if told is None:
        return functional.cross_entropy(logits.transpose(1, 2), tags, ignore_index=IGNORED, reduction="none")
    own = functional.one_hot(tags.clamp(min=0), logits.shape[-1]).float()
    share = torch.where(tags == IGNORED, 1.0, trust)[:, :, None]
    mixed = (1 - share) * own + share * told
    return -(mixed * functional.log_softmax(logits, -1)).sum(-1)


def fit(
    model: Tagger,
    train: dict[str, list[Sentence]],
    tokenizer: Tokenizer,
    *,
    pieces: int,
    tokens: int = 1400,
    rate: float = 1.5e-4,
    head_rate: float = 1e-3,
    dropout: float = 0.1,
    seed: int = 7,
    save: Path | None = None,
    teacher: Tagger | None = None,
    passes: Passes = one_pass,
) -> None:
    """Train until ``pieces`` have been seen; the rates warm up over the first 4 % and fall linearly to zero.

    With a ``teacher`` the labels are mixed with what it says, as far as each set's trust goes (``PASSES``).
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)
    fresh = [model.head.weight, model.head.bias, model.shapes.weight]
    rest = [p for p in model.parameters() if p.requires_grad and all(p is not f for f in fresh)]
    groups = [{"params": rest, "lr": rate}, {"params": fresh, "lr": head_rate}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    model.train()
    done, step, began, shown = 0, 0, time.monotonic(), 0.0
    for ids, shapes, chosen, tags, weights, trust in batches(train, Packer(tokenizer), rng, tokens, passes):
        share = done / pieces
        if share >= 1:
            break
        factor = min(share / 0.04 + 0.02, 1.0) * (1 - share)
        for group, top in zip(optimiser.param_groups, (rate, head_rate), strict=True):
            group["lr"] = top * factor
        with torch.autocast("cpu", torch.bfloat16):  # a third faster where the processor has it
            logits = model(ids, shapes, chosen, dropout).float()
            with torch.no_grad():
                told = teacher(ids, shapes, chosen, 0.0).float().softmax(-1) if teacher else None
        loss = (_losses(logits, tags, trust, told) * weights).sum() / weights.sum()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        optimiser.step()
        done, step = done + int((ids != 0).sum()), step + 1
        shown = 0.97 * shown + 0.03 * loss.item() if shown else loss.item()
        if step % 50 == 0:
            speed = done / (time.monotonic() - began)
            print(f"step {step}  {done} pieces  loss {shown:.4f}  {speed:.0f} pieces/s", flush=True)
            if save:
                torch.save(model.state_dict(), save)
    model.eval()
    if save:
        torch.save(model.state_dict(), save)
