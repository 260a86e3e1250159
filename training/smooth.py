"""Makes activations easier to hold in 8 bits, without changing what a model computes.

Source: Xiao et al. 2023, *SmoothQuant*. Channels that run high are scaled down before a matrix
and the matrix scaled up to match, so that one scale a run wastes less of its range on them. Only
the feed-forward matrices are smoothed: their inputs hold the extremes, and the others would pay
for it in speed.
"""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name everyone knows it by

from training.multitask import MultiTask

#: how much of the difficulty moves from activations to weights; 0.5 and 0.6 were worse
STRENGTH = 0.75
_LEAST = 1e-4


class SmoothLinear(nn.Module):
    """A linear layer over scaled-down channels, with weights scaled up to match."""

    def __init__(self, linear: nn.Linear, scale: Tensor) -> None:
        super().__init__()
        self.shrink = nn.Parameter(1 / scale)
        self.weight = nn.Parameter(linear.weight.detach() * scale)
        self.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Same as the linear layer it replaces."""
        return F.linear(inputs * self.shrink, self.weight, self.bias)


def smoothed(model: MultiTask, windows: Sequence[Sequence[int]]) -> MultiTask:
    """A copy whose encoder computes the same from activations of more even range.

    Args:
        model: in evaluation mode.
        windows: token ids of some posts, whose activations tell the range of each channel.
    """
    result = copy.deepcopy(model)
    linears = {
        name: module
        for name, module in model.encoder.named_modules()
        if isinstance(module, nn.Linear) and module.in_features != module.out_features
    }
    for name, reached in _highest_inputs(model, linears, windows).items():
        parent, _, child = name.rpartition(".")
        weights = linears[name].weight.detach().abs().amax(dim=0).clamp(min=_LEAST)
        scale = reached.clamp(min=_LEAST) ** STRENGTH / weights ** (1 - STRENGTH)
        smooth = SmoothLinear(linears[name], scale / scale.mean())
        setattr(result.encoder.get_submodule(parent), child, smooth)
    return result


def _highest_inputs(
    model: MultiTask, linears: Mapping[str, nn.Linear], windows: Sequence[Sequence[int]]
) -> dict[str, Tensor]:
    """Largest absolute input of each channel of each linear layer."""
    highest: dict[str, Tensor] = {}

    def note(name: str, inputs: Tensor) -> None:
        reached = inputs.abs().flatten(end_dim=-2).amax(dim=0)
        highest[name] = torch.maximum(highest.get(name, reached), reached)

    hooks = [
        linear.register_forward_pre_hook(lambda _, inputs, name=name: note(name, inputs[0]))
        for name, linear in linears.items()
    ]
    with torch.no_grad():
        for ids in windows:
            tokens = torch.tensor([ids])
            model.window_logits(tokens, torch.ones_like(tokens))
    for hook in hooks:
        hook.remove()
    return highest
