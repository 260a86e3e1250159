"""What the layers of a model are given while it reads some windows."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from training.multitask import MultiTask


def observe(
    model: MultiTask,
    layers: Mapping[str, nn.Module],
    windows: Sequence[Sequence[int]],
    note: Callable[[str, Tensor], None],
) -> None:
    """Read each window, and note what each of these layers is given.

    Args:
        model: in evaluation mode.
        layers: some of its encoder, by any names.
        windows: token ids.
        note: called with a layer's name and its input, shape (tokens, width).
    """
    hooks = [
        layer.register_forward_pre_hook(
            lambda _, inputs, name=name: note(name, inputs[0].flatten(end_dim=-2))
        )
        for name, layer in layers.items()
    ]
    with torch.no_grad():
        for ids in windows:
            tokens = torch.tensor([ids])
            model.window_logits(tokens, torch.ones_like(tokens))
    for hook in hooks:
        hook.remove()
