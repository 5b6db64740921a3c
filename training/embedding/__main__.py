"""Make the static vectors: ``python -m training.embedding`` (``make train-embedding``).

    every word piece, alone, through the encoder ─▶ mean of its outputs ─▶ principal components ─▶ weight ─▶ int8 rows

After Model2Vec (Minish 2024): what a sentence encoder makes of a single piece is a good vector for that piece, and the
weighted mean of a text's pieces a good vector for the text. Needs the packages of ``requirements.txt`` and no data;
about two minutes of one core.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch.nn import functional

from services.enrich.embedding import FILE, SHIPPED, TOKENIZER
from training.ner.__main__ import base_folder
from training.ner.encoder import Plan, Tagger, from_base
from training.ner.export import cut_vocabulary

WIDTH = 256
# Chosen on the odd topics of ECB+: without the two strongest axes, which hold how common a piece is, and the rest
# evened out, the average precision of pairs rises from 0.76 to 0.82.
DROPPED, EVENED = 2, 0.5
COMMON = 3e-4  # SIF's a (Arora 2017): a piece of this frequency counts half
AT_ONCE = 512


@torch.no_grad()
def outputs(model: Tagger, pieces: NDArray[np.int64], first: int, last: int) -> NDArray[np.float32]:
    """[pieces, 384]: the mean over ``[CLS] piece [SEP]`` of what the encoder's last layer says."""
    model.eval()
    found = []
    for start in range(0, len(pieces), AT_ONCE):
        middle = torch.from_numpy(pieces[start : start + AT_ONCE])
        ids = torch.stack((torch.full_like(middle, first), middle, torch.full_like(middle, last)), dim=1)
        h = model.norm(model.pieces(ids) + model.places.weight[:3])
        mask = torch.ones(len(ids), 1, 1, 3, dtype=torch.bool)
        for layer in model.layers:
            h = layer(h, h, mask, 0.0)
        found.append(functional.normalize(h.mean(1), dim=1))
    return torch.cat(found).numpy()


def components(vectors: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """[pieces, width]: centred, turned so that the axes of greatest variance come first, those made less unequal."""
    centred = vectors - vectors.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    turned = centred @ axes[:, ::-1][:, DROPPED : DROPPED + width]
    evened: NDArray[np.float32] = turned / turned.std(0) ** EVENED
    return evened


def weights(count: int) -> NDArray[np.float32]:
    """How much a piece counts, by its rank: the vocabulary is in order of frequency, and frequency falls as 1/rank."""
    ranks = np.arange(2, count + 2)
    share = 1 / ranks / (1 / ranks).sum()
    counted: NDArray[np.float32] = (COMMON / (COMMON + share)).astype(np.float32)
    return counted


def quantised(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Rows as int8, with the scale of each."""
    scale = np.abs(vectors).max(1).clip(1e-8) / 127
    return np.round(vectors / scale[:, None]).astype(np.int8), scale.astype(np.float16)


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(prog="python -m training.embedding", description="Make the static vectors.")
    parser.add_argument("--base", type=Path, help="folder with the encoder's model.safetensors and tokenizer.json")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    base = given.base or base_folder()
    given.out.mkdir(parents=True, exist_ok=True)
    whole = Tokenizer.from_file(str(base / "tokenizer.json"))
    kept = cut_vocabulary(base / "tokenizer.json", given.out / TOKENIZER)
    model = from_base(base / "model.safetensors", Plan())
    vectors = components(outputs(model, kept, whole.token_to_id("[CLS]"), whole.token_to_id("[SEP]")), WIDTH)
    vectors *= weights(len(kept))[:, None]
    rows, scale = quantised(vectors)
    np.savez(given.out / FILE, rows=rows, scale=scale)
    lines = [f"{hashlib.sha256((given.out / name).read_bytes()).hexdigest()}  {name}\n" for name in (FILE, TOKENIZER)]
    (given.out / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


if __name__ == "__main__":
    main()
