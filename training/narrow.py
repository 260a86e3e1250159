"""Makes the feed-forward layers of a trained model narrower, at the least cost to what they say.

A layer's neurons leave one at a time, always the one whose loss the others can make up for best,
and the others' weights make up for it (optimal brain surgeon, Hassibi and Stork 1993; for whole
neurons Frantar and Alistarh 2022, *Optimal Brain Compression*). What is still lost is for
training to win back.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from labels.errors import ModelError
from training.multitask import MultiTask
from training.observe import observe

#: added to the variance of each neuron, as a share of their mean, so that it can be inverted
_DAMPING = 1e-4


def narrow(model: MultiTask, windows: Sequence[Sequence[int]], width: int) -> None:
    """Leave ``width`` neurons in each feed-forward layer, in place.

    Args:
        model: trained, its encoder with layers like BERT's.
        windows: token ids of posts that it learned from; they tell which neurons act together.
        width: at least 1.

    Raises:
        ModelError: the layers are narrower already, or not like BERT's.
    """
    layers = _layers(model.encoder, width)
    for layer, together in zip(layers, _acting_together(model, layers, windows), strict=True):
        _leave(layer, *least_missed(together, layer.output.dense.weight.detach(), width))
    model.encoder.config.intermediate_size = width


def trim(encoder: PreTrainedModel, width: int) -> None:
    """Leave the first ``width`` neurons in each feed-forward layer, in place: a shape to fill.

    Raises:
        ModelError: the layers are narrower already, or not like BERT's.
    """
    for layer in _layers(encoder, width):
        first = torch.arange(width)
        _leave(layer, first, layer.output.dense.weight.detach()[:, first])
    encoder.config.intermediate_size = width


def least_missed(together: Tensor, weight: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Which inputs of a linear map to keep, and the weights that make up for the others.

    Args:
        together: shape (inputs, inputs), the products of every two inputs summed over tokens.
        weight: shape (outputs, inputs).
        width: how many inputs stay.

    Returns:
        Places of those that stay, ascending, and weights of shape (outputs, width).
    """
    moments, rest = together.double(), weight.double()
    damping = _DAMPING * moments.diag().mean() * torch.eye(len(moments), dtype=moments.dtype)
    inverse = torch.linalg.inv(moments + damping)
    left = torch.arange(len(moments))
    for _ in range(len(moments) - width):
        spread = inverse.diag()
        out = int((rest.square().sum(dim=0) / spread).argmin())
        column = inverse[:, out] / spread[out]
        rest = rest - torch.outer(rest[:, out], column)
        inverse = inverse - torch.outer(column, inverse[out])
        stay = torch.arange(len(left)) != out
        left, rest, inverse = left[stay], rest[:, stay], inverse[stay][:, stay]
    return left, rest.to(weight.dtype)


def _leave(layer: Any, left: Tensor, weight: Tensor) -> None:
    """Keep these neurons of a layer, with new weights of shape (outputs, neurons) after them."""
    widening, narrowing = layer.intermediate.dense, layer.output.dense
    narrowing.weight = nn.Parameter(weight)
    widening.weight = nn.Parameter(widening.weight.detach()[left])
    widening.bias = nn.Parameter(widening.bias.detach()[left])
    widening.out_features = narrowing.in_features = len(left)


def _layers(encoder: PreTrainedModel, width: int) -> list[Any]:
    """Those that can be left with ``width`` neurons."""
    found = [
        module
        for module in encoder.modules()
        if hasattr(module, "intermediate") and hasattr(module, "output")
    ]
    if len(found) != encoder.config.num_hidden_layers:
        raise ModelError(
            f"an encoder of the kind {encoder.config.model_type} cannot be made narrower",
            remedy="leave encoder.feed_forward empty",
        )
    available = encoder.config.intermediate_size
    if width > available:
        raise ModelError(
            f"encoder.feed_forward is {width}, but the encoder has {available} neurons a layer"
        )
    return found


def _acting_together(
    model: MultiTask, layers: Sequence[Any], windows: Sequence[Sequence[int]]
) -> list[Tensor]:
    """For each layer, summed over tokens, the products of every two of its neurons."""
    width = model.encoder.config.intermediate_size
    narrowing = {str(place): layer.output.dense for place, layer in enumerate(layers)}
    found = {name: torch.zeros(width, width) for name in narrowing}

    def note(name: str, neurons: Tensor) -> None:
        found[name].addmm_(neurons.T, neurons)

    observe(model, narrowing, windows, note)
    return list(found.values())
