"""Rounds the weights of linear layers to 8 bits so that their outputs, not the weights, come near.

Frantar et al. 2023, *GPTQ: Accurate Post-Training Quantization for Generative Pre-trained
Transformers*: input by input, what rounding takes from an output is made up for by the weights of
the inputs that are still to be rounded, as far as inputs go together.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.multitask import MultiTask
from training.observe import observe
from training.quantize import OutlierLinear, SmoothLinear

#: one bit of eight is left unused: processors without VNNI add up in 16 bits and would overflow
LEVELS = 64
#: share of the mean square of inputs that is added to each, so that the rest can be solved for
_DAMPING = 0.01
_LEAST = 1e-12
_HELPED = (SmoothLinear, OutlierLinear)


def round_weights(model: MultiTask, windows: Sequence[Sequence[int]]) -> None:
    """Round the weights of all linear layers that run, in place; those in 32 bits stay.

    Args:
        model: in evaluation mode.
        windows: token ids of some posts, whose activations tell how inputs go together.
    """
    layers = {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, (nn.Linear, *_HELPED))
    }
    squares: dict[str, Tensor] = {}

    def note(name: str, inputs: Tensor) -> None:
        layer = layers[name]
        met = layer.met(inputs) if isinstance(layer, _HELPED) else inputs
        squares[name] = squares.get(name, torch.zeros(())) + met.T @ met

    observe(model, layers, windows, note)
    for name, found in squares.items():
        weight = layers[name].weight
        weight.data = rounded(weight.detach(), found)


def rounded(weight: Tensor, squares: Tensor) -> Tensor:
    """Weights on a grid of 2 x :data:`LEVELS` steps between plus and minus the largest of a row.

    Args:
        weight: shape (outputs, inputs).
        squares: shape (inputs, inputs), sums of products of inputs.

    Returns:
        Same shape. The largest of each row stays as it is, so that the grid is found again.
    """
    left, squares = weight.double(), squares.double()
    squares = squares + _DAMPING * squares.diagonal().mean() * torch.eye(len(squares))
    # what carries most is rounded first, while there are others to make up for it
    order = squares.diagonal().argsort(descending=True)
    left = left[:, order].clone()
    highest = left.abs().amax(dim=1, keepdim=True)
    scale = highest.clamp(min=_LEAST) / LEVELS
    kept = left.abs() == highest
    found = torch.where(kept, left, 0)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(squares[order][:, order]))
    factor = torch.linalg.cholesky(inverse, upper=True)
    for place in range(left.shape[1]):
        here = slice(place, place + 1)
        nearest = (left[:, here] / scale).round().clamp(-LEVELS, LEVELS) * scale
        found[:, here] = torch.where(kept[:, here], found[:, here], nearest)
        lost = (left[:, here] - found[:, here]) / factor[place, place]
        left[:, place + 1 :] -= lost * factor[place, place + 1 :]
    return found[:, order.argsort()].to(weight.dtype)
