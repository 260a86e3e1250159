"""Makes the layers of a trained model narrower, at the least cost to what they say.

A layer's feed-forward neurons and its attention heads leave one at a time, always the one whose
loss the others can make up for best, and the others' weights make up for it (optimal brain
surgeon, Hassibi and Stork 1993; for whole neurons and heads Frantar and Alistarh 2022, *Optimal
Brain Compression*). What is still lost is for training to win back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from labels.errors import ModelError
from training.config import PretrainedEncoder
from training.layers import bert_layers
from training.multitask import MultiTask
from training.observe import observe

#: added to the variance of each input, as a share of their mean, so that it can be inverted
_DAMPING = 1e-4


@dataclass(frozen=True, slots=True)
class _Units:
    """What can leave a layer: each is made by rows of some maps, and is inputs of the next."""

    makers: tuple[nn.Linear, ...]
    user: nn.Linear
    size: int
    wanted: int

    def leave(self, left: Tensor, weight: Tensor) -> None:
        """Keep these inputs of the next map, with new weights of shape (outputs, inputs)."""
        self.user.weight = nn.Parameter(weight)
        self.user.in_features = len(left)
        for maker in self.makers:
            maker.weight = nn.Parameter(maker.weight.detach()[left])
            maker.bias = nn.Parameter(maker.bias.detach()[left])
            maker.out_features = len(left)


def narrow(model: MultiTask, windows: Sequence[Sequence[int]], config: PretrainedEncoder) -> None:
    """Leave so many neurons and heads in each layer, in place.

    Args:
        model: trained, its encoder with layers like BERT's.
        windows: token ids of posts that it learned from; they tell which act together.
        config: how many; what it leaves empty stays whole.

    Raises:
        ModelError: the layers are narrower already, or not like BERT's.
    """
    units = _units(model.encoder, config)
    for each, together in zip(units, _acting_together(model, units, windows), strict=True):
        weight = each.user.weight.detach()
        each.leave(*least_missed(together, weight, each.wanted * each.size, each.size))


def trim(encoder: PreTrainedModel, config: PretrainedEncoder) -> None:
    """Leave the first neurons and heads of each layer, in place: a shape to fill.

    Raises:
        ModelError: the layers are narrower already, or not like BERT's.
    """
    for each in _units(encoder, config):
        first = torch.arange(each.wanted * each.size)
        each.leave(first, each.user.weight.detach()[:, first])


def least_missed(
    together: Tensor, weight: Tensor, width: int, size: int = 1
) -> tuple[Tensor, Tensor]:
    """Which inputs of a linear map to keep, and the weights that make up for the others.

    Args:
        together: shape (inputs, inputs), the products of every two inputs summed over tokens.
        weight: shape (outputs, inputs).
        width: how many inputs stay.
        size: so many neighbours leave together; divides the inputs and ``width``.

    Returns:
        Places of those that stay, ascending, and weights of shape (outputs, width).
    """
    moments, rest = together.double(), weight.double()
    damping = _DAMPING * moments.diag().mean() * torch.eye(len(moments), dtype=moments.dtype)
    inverse = torch.linalg.inv(moments + damping)
    left = torch.arange(len(moments))
    while len(left) > width:
        groups = torch.arange(len(left)).view(-1, size)
        spread = torch.linalg.inv(inverse[groups[:, :, None], groups[:, None, :]])
        missed = torch.einsum("ogs,gst,ogt->g", *(rest[:, groups], spread, rest[:, groups]))
        worst = int(missed.argmin())
        out = groups[worst]
        columns = inverse[:, out] @ spread[worst]
        rest = rest - rest[:, out] @ columns.T
        inverse = inverse - columns @ inverse[out]
        stay = torch.ones(len(left), dtype=torch.bool).index_fill(0, out, False)
        left, rest, inverse = left[stay], rest[:, stay], inverse[stay][:, stay]
    return left, rest.to(weight.dtype)


def _units(encoder: PreTrainedModel, config: PretrainedEncoder) -> list[_Units]:
    """The heads and the neurons of each layer, those of which some are to leave."""
    layers = bert_layers(encoder)
    if not layers:
        raise ModelError(
            f"an encoder of the kind {encoder.config.model_type} cannot be made narrower",
            remedy="leave encoder.attention_heads and encoder.feed_forward empty",
        )
    units: list[_Units] = []
    for layer in layers:
        attention, wide = layer.attention.self, layer.intermediate.dense
        if config.attention_heads:
            makers = (attention.query, attention.key, attention.value)
            user, size = layer.attention.output.dense, attention.attention_head_size
            units.append(_Units(makers, user, size, config.attention_heads))
        if config.feed_forward:
            units.append(_Units((wide,), layer.output.dense, 1, config.feed_forward))
    for each in units:
        available = each.user.in_features // each.size
        if each.wanted > available:
            field, kind = (
                ("feed_forward", "neurons") if each.size == 1 else ("attention_heads", "heads")
            )
            raise ModelError(
                f"encoder.{field} is {each.wanted}, but the encoder has {available} {kind} a layer"
            )
    return units


def _acting_together(
    model: MultiTask, units: Sequence[_Units], windows: Sequence[Sequence[int]]
) -> list[Tensor]:
    """For each, summed over tokens, the products of every two inputs of the next map."""
    users = {str(place): each.user for place, each in enumerate(units)}
    found = {name: torch.zeros(user.in_features, user.in_features) for name, user in users.items()}

    def note(name: str, inputs: Tensor) -> None:
        found[name].addmm_(inputs.T, inputs)

    observe(model, users, windows, note)
    return list(found.values())
