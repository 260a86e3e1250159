"""Makes a model lose less in 8 bits, without changing what it computes.

Weights have one scale a column, activations one a run, so the extremes of a few decide how coarse
the rest is. Three things help:

- Into the widening feed-forward matrix, and into the attention's three, which share their inputs:
  channels that run high are scaled down before them, and they are scaled up to match (Xiao et al.
  2023, *SmoothQuant*).
- Into the narrowing one, whose inputs hold the extremes: the few widest channels are multiplied
  in 32 bits beside it (Dettmers et al. 2022, *LLM.int8()*). They are put last, so that they are
  parted from the others without being picked one by one.
- Embeddings, which are looked up and not multiplied, have one scale a row.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name everyone knows it by

from training.layers import bert_layers
from training.multitask import MultiTask
from training.observe import observe

#: how much of the difficulty moves from activations to weights; 0.5 and 0.6 were worse
STRENGTH = 0.75
#: channels that are multiplied in 32 bits; 32 lose more and are no faster
WIDEST = 64
_LEAST = 1e-4
_LEVELS = 127


class SmoothLinear(nn.Module):
    """A linear layer over scaled-down channels, with weights scaled up to match."""

    def __init__(self, linear: nn.Linear, scale: Tensor) -> None:
        """``scale``: shape (inputs,), how far each channel is scaled down."""
        super().__init__()
        self.shrink = nn.Parameter(1 / scale)
        self.weight = nn.Parameter(linear.weight.detach() * scale)
        self.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Same as the linear layer it replaces."""
        return F.linear(self.met(inputs), self.weight, self.bias)

    def met(self, inputs: Tensor) -> Tensor:
        """What ``weight`` is multiplied with."""
        return inputs * self.shrink


class OutlierLinear(nn.Module):
    """A linear layer whose last inputs, the widest, are multiplied beside the others."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        wide = min(WIDEST, linear.in_features // 2)
        self.widths = [linear.in_features - wide, wide]
        parts = torch.split(linear.weight.detach(), self.widths, dim=1)
        self.weight, self.wide_weight = (nn.Parameter(part.clone()) for part in parts)
        self.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Same as the linear layer it replaces."""
        others, widest = torch.split(inputs, self.widths, dim=-1)
        return F.linear(others, self.weight, self.bias) + F.linear(widest, self.wide_weight)

    def met(self, inputs: Tensor) -> Tensor:
        """What ``weight`` is multiplied with."""
        return inputs[..., : self.widths[0]]


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
    layers = bert_layers(result.encoder)
    queries = [layer.attention.self.query for layer in layers]
    widening = [layer.intermediate.dense for layer in layers]
    narrowing = [layer.output.dense for layer in layers]
    reached = _highest_inputs(result, [*queries, *widening, *narrowing], windows)
    for layer in layers:
        attention, wide, narrow = layer.attention.self, layer.intermediate, layer.output
        three = (attention.query, attention.key, attention.value)
        scale = _smoothing(reached[attention.query], three)
        attention.query, attention.key, attention.value = (
            SmoothLinear(each, scale) for each in three
        )
        _put_widest_last(wide.dense, narrow.dense, reached[narrow.dense])
        narrow.dense = OutlierLinear(narrow.dense)
        wide.dense = SmoothLinear(wide.dense, _smoothing(reached[wide.dense], [wide.dense]))
    for name, module in model.encoder.named_modules():
        if isinstance(module, nn.Embedding):
            parent, _, child = name.rpartition(".")
            setattr(result.encoder.get_submodule(parent), child, RowEmbedding(module))
    return result


def _smoothing(reached: Tensor, linears: Sequence[nn.Linear]) -> Tensor:
    """How far to scale down the inputs that some linear layers share, shape (inputs,)."""
    weights = torch.cat([linear.weight.detach() for linear in linears])
    heights = weights.abs().amax(dim=0).clamp(min=_LEAST)
    scale = reached.clamp(min=_LEAST) ** STRENGTH / heights ** (1 - STRENGTH)
    return scale / scale.mean()


def _put_widest_last(maker: nn.Linear, user: nn.Linear, reached: Tensor) -> None:
    """Order the channels between two maps by how far they reach, which changes no output."""
    order = reached.argsort()
    maker.weight.data, maker.bias.data = maker.weight.data[order], maker.bias.data[order]
    user.weight.data = user.weight.data[:, order]


def _highest_inputs(
    model: MultiTask, linears: Sequence[nn.Linear], windows: Sequence[Sequence[int]]
) -> dict[nn.Linear, Tensor]:
    """Largest absolute input of each channel of each linear layer, shape (inputs,)."""
    highest = {linear: torch.zeros(linear.in_features) for linear in linears}
    named = {str(place): linear for place, linear in enumerate(linears)}

    def note(name: str, inputs: Tensor) -> None:
        linear = named[name]
        highest[linear] = torch.maximum(highest[linear], inputs.abs().amax(dim=0))

    observe(model, named, windows, note)
    return highest
