"""Makes a model lose less in 8 bits, without changing what it computes.

Weights have one scale a column, activations one a run, so the extremes of a few decide how coarse
the rest is. Three things help:

- Into the widening feed-forward matrix, and that of the attention's keys: channels that run high
  are scaled down before it, and it is scaled up to match (Xiao et al. 2023, *SmoothQuant*).
- Into the narrowing one, whose inputs hold the extremes: the few widest channels are multiplied
  in 32 bits beside it (Dettmers et al. 2022, *LLM.int8()*).
- Embeddings, which are looked up and not multiplied, have one scale a row.
"""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name everyone knows it by

from training.multitask import MultiTask
from training.observe import observe

#: how much of the difficulty moves from activations to weights; 0.5 and 0.6 were worse
STRENGTH = 0.75
#: channels that are multiplied in 32 bits; 96 were no better
WIDEST = 32
_LEAST = 1e-4
_KEYS = ".self.key"
_LEVELS = 127


class SmoothLinear(nn.Module):
    """A linear layer over scaled-down channels, with weights scaled up to match."""

    def __init__(self, linear: nn.Linear, reached: Tensor) -> None:
        """``reached``: shape (inputs,), the largest absolute value of each channel."""
        super().__init__()
        weights = linear.weight.detach().abs().amax(dim=0).clamp(min=_LEAST)
        scale = reached.clamp(min=_LEAST) ** STRENGTH / weights ** (1 - STRENGTH)
        scale = scale / scale.mean()
        self.shrink = nn.Parameter(1 / scale)
        self.weight = nn.Parameter(linear.weight.detach() * scale)
        self.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Same as the linear layer it replaces."""
        return F.linear(inputs * self.shrink, self.weight, self.bias)


class OutlierLinear(nn.Module):
    """A linear layer whose widest channels are multiplied beside the others."""

    widest: Tensor
    others: Tensor

    def __init__(self, linear: nn.Linear, reached: Tensor) -> None:
        """``reached``: shape (inputs,), the largest absolute value of each channel."""
        super().__init__()
        widest = reached.topk(min(WIDEST, len(reached))).indices
        self.register_buffer("widest", widest)
        self.register_buffer("others", torch.ones_like(reached).index_fill(0, widest, 0.0))
        self.weight = nn.Parameter(linear.weight.detach().clone())
        self.wide_weight = nn.Parameter(linear.weight.detach()[:, widest])
        self.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Same as the linear layer it replaces."""
        wide = F.linear(inputs.index_select(-1, self.widest), self.wide_weight)
        return F.linear(inputs * self.others, self.weight, self.bias) + wide


class RowEmbedding(nn.Module):
    """An embedding as 8-bit integers, one scale a row."""

    levels: Tensor
    scale: Tensor

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        rows = embedding.weight.detach()
        scale = rows.abs().amax(dim=1, keepdim=True).clamp(min=_LEAST) / _LEVELS
        self.register_buffer("levels", (rows / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: Tensor) -> Tensor:
        """The rows of these ids, rounded to 8 bits."""
        return F.embedding(ids, self.levels).float() * F.embedding(ids, self.scale)


def quantizable(model: MultiTask, windows: Sequence[Sequence[int]]) -> MultiTask:
    """A copy that loses less in 8 bits; its embeddings are rounded to them already.

    Args:
        model: in evaluation mode.
        windows: token ids of some posts, whose activations tell the range of each channel.
    """
    result = copy.deepcopy(model)
    linears = {
        name: module
        for name, module in model.encoder.named_modules()
        if isinstance(module, nn.Linear)
        and (module.in_features != module.out_features or name.endswith(_KEYS))
    }
    for name, reached in _highest_inputs(model, linears, windows).items():
        linear = linears[name]
        narrows = linear.out_features < linear.in_features
        _replace(result, name, (OutlierLinear if narrows else SmoothLinear)(linear, reached))
    for name, module in model.encoder.named_modules():
        if isinstance(module, nn.Embedding):
            _replace(result, name, RowEmbedding(module))
    return result


def _replace(model: MultiTask, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.encoder.get_submodule(parent), child, module)


def _highest_inputs(
    model: MultiTask, linears: Mapping[str, nn.Linear], windows: Sequence[Sequence[int]]
) -> dict[str, Tensor]:
    """Largest absolute input of each channel of each linear layer."""
    highest: dict[str, Tensor] = {}

    def note(name: str, inputs: Tensor) -> None:
        reached = inputs.abs().amax(dim=0)
        highest[name] = torch.maximum(highest.get(name, reached), reached)

    observe(model, linears, windows, note)
    return highest
