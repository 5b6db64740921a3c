"""The network in torch: the six layers of MiniLM, told the case of words, that read all and decide on few.

The first ``full`` layers run over every piece. After them only the first pieces of candidate words go on; they look
at every piece (as it left the full layers) in the layers before ``wide`` and at each other in the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

WIDTH, HEADS, INNER, LAYERS, SHAPES, TAGS = 384, 12, 1536, 6, 9, 7


@dataclass(frozen=True)
class Plan:
    """How many layers see everything, and up to which layer candidates look at everything."""

    full: int = 2
    wide: int = 6
    #: Inner units of each layer's feed-forward half.
    inner: tuple[int, ...] = (INNER,) * LAYERS


class Layer(nn.Module):
    """One transformer layer with separate queries and keys, normalised after each half as in BERT."""

    def __init__(self, inner: int = INNER) -> None:
        super().__init__()
        self.query, self.key, self.value, self.mix = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.inner, self.outer = nn.Linear(WIDTH, inner), nn.Linear(inner, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, eps=1e-12), nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, h: Tensor, seen: Tensor, mask: Tensor, dropout: float) -> Tensor:
        """Renew ``h`` [B, C, W] looking at ``seen`` [B, L, W]; ``mask`` [B, 1, 1, L] is true where there is a piece."""

        def heads(x: Tensor) -> Tensor:
            return x.view(x.shape[0], x.shape[1], HEADS, WIDTH // HEADS).transpose(1, 2)

        looked = functional.scaled_dot_product_attention(
            heads(self.query(h)), heads(self.key(seen)), heads(self.value(seen)), attn_mask=mask
        )
        looked = self.mix(looked.transpose(1, 2).reshape(h.shape))
        h = self.norm1(h + functional.dropout(looked, dropout, self.training))
        inner = self.outer(functional.gelu(self.inner(h), approximate="tanh"))
        return self.norm2(h + functional.dropout(inner, dropout, self.training))


class Tagger(nn.Module):
    """Pieces and shapes in, logits of the candidates' tags out."""

    def __init__(self, plan: Plan, pieces: int = 30522, longest: int = 512) -> None:
        super().__init__()
        self.plan = plan
        self.pieces, self.places = nn.Embedding(pieces, WIDTH), nn.Embedding(longest, WIDTH)
        self.shapes = nn.Embedding(SHAPES, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer(inner) for inner in plan.inner)
        self.head = nn.Linear(WIDTH, TAGS)

    def forward(self, ids: Tensor, shapes: Tensor, chosen: Tensor, dropout: float = 0.1) -> Tensor:
        """Tag the pieces at ``chosen`` [B, C] (-1: none) of ``ids`` and ``shapes`` [B, L]; ids of 0 are padding."""
        mask = (ids != 0)[:, None, None, :]
        h = self.pieces(ids) + self.places.weight[: ids.shape[1]] + self.shapes(shapes)
        h = functional.dropout(self.norm(h), dropout, self.training)
        for layer in self.layers[: self.plan.full]:
            h = layer(h, h, mask, dropout)
        index = chosen.clamp(min=0)[:, :, None].expand(-1, -1, WIDTH)
        few, few_mask = h.gather(1, index), (chosen >= 0)[:, None, None, :]
        spare = torch.zeros_like(h[:, :1])  # where the -1 of short rows are written
        target = torch.where(chosen >= 0, chosen, ids.shape[1])[:, :, None].expand(-1, -1, WIDTH)
        for i, layer in enumerate(self.layers[self.plan.full :], self.plan.full):
            if i < self.plan.wide:
                seen = torch.cat((h, spare), 1).scatter(1, target, few)[:, :-1]
                few = layer(few, seen, mask, dropout)
            else:
                few = layer(few, few, few_mask, dropout)
        logits: Tensor = self.head(few)
        return logits


def from_base(weights: Path, plan: Plan) -> Tagger:
    """Start from the base encoder's ``model.safetensors``: shapes from zero, word pieces frozen."""
    base = load_file(weights)
    model = Tagger(plan)

    def fill(module: nn.Module, name: str) -> None:
        for part, tensor in module.named_parameters():
            tensor.data.copy_(base[f"{name}.{part}"])

    model.pieces.weight.data.copy_(base["embeddings.word_embeddings.weight"])
    first_type = base["embeddings.token_type_embeddings.weight"][0]
    model.places.weight.data.copy_(base["embeddings.position_embeddings.weight"] + first_type)
    fill(model.norm, "embeddings.LayerNorm")
    model.shapes.weight.data.zero_()
    for i, layer in enumerate(model.layers):
        prefix = f"encoder.layer.{i}"
        names = {
            "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
            "mix": "attention.output.dense", "norm1": "attention.output.LayerNorm", "inner": "intermediate.dense",
            "outer": "output.dense", "norm2": "output.LayerNorm",
        }  # fmt: skip
        for ours, theirs in names.items():
            fill(getattr(layer, ours), f"{prefix}.{theirs}")
    nn.init.normal_(model.head.weight, std=0.02)
    nn.init.zeros_(model.head.bias)
    model.pieces.weight.requires_grad_(False)
    return model


@torch.no_grad()
def narrow(model: Tagger, plan: Plan, batches: list[tuple[Tensor, Tensor, Tensor]]) -> Tagger:
    """Copy a trained model into a smaller ``plan``, keeping the inner units that moved most on ``batches``.

    A unit's worth is the mean size of its activation times the length of its output vector.
    """
    worth = [torch.zeros(layer.inner.out_features) for layer in model.layers]

    def counting(total: Tensor) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def count(_: nn.Module, __: tuple[Tensor, ...], out: Tensor) -> None:
            total.add_(functional.gelu(out, approximate="tanh").abs().flatten(0, 1).sum(0))

        return count

    layers = zip(model.layers, worth, strict=True)
    hooks = [layer.inner.register_forward_hook(counting(total)) for layer, total in layers]
    model.eval()
    for ids, shapes, chosen in batches:
        model(ids, shapes, chosen)
    for hook in hooks:
        hook.remove()
    small = Tagger(plan)
    state = model.state_dict()
    for i, (layer, total) in enumerate(zip(model.layers, worth, strict=True)):
        kept = (total * layer.outer.weight.norm(dim=0)).topk(plan.inner[i]).indices.sort().values
        for name in ("inner.weight", "inner.bias"):
            state[f"layers.{i}.{name}"] = state[f"layers.{i}.{name}"][kept]
        state[f"layers.{i}.outer.weight"] = state[f"layers.{i}.outer.weight"][:, kept]
    small.load_state_dict(state)
    small.pieces.weight.requires_grad_(False)
    return small


@torch.no_grad()
def blend(one: Tagger, other: Tagger, share: float) -> Tagger:
    """Mix the weights of two models of one plan, one of which was trained on from the other: ``share`` of ``other``."""
    mixed = Tagger(one.plan)
    theirs = other.state_dict()
    mixed.load_state_dict({name: (1 - share) * mine + share * theirs[name] for name, mine in one.state_dict().items()})
    mixed.eval()
    return mixed
