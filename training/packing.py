"""Windows of many lengths laid end to end: only attention, which parts them, computes padding."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, PreTrainedModel

_PACKED = "packed"
#: positions begin at 0 and every token of a window sees all others: what is assumed below
_MODEL_TYPES = ("bert",)


def pack(encoder: PreTrainedModel) -> bool:
    """Make an encoder read by :func:`packed_states`, if it is of a kind that can; say whether."""
    if encoder.config.model_type not in _MODEL_TYPES:
        return False
    AttentionInterface.register(_PACKED, _attention)
    encoder.set_attn_implementation(_PACKED)
    return True


def packed_states(encoder: PreTrainedModel, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """Last hidden states of shape (windows, tokens, width), zero where nothing stands.

    Args:
        encoder: one that :func:`pack` made ready.
        input_ids: shape (windows, tokens).
        attention_mask: same shape, 1 where a token stands.
    """
    mask = attention_mask.bool()
    seats = mask.flatten().nonzero()[:, 0]
    positions = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    states = encoder(
        input_ids=input_ids[mask][None],
        position_ids=positions[mask][None],
        mask=mask,
        seats=seats,
    )
    return _seated(states.last_hidden_state[0], mask, seats)


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **given: Any,
) -> tuple[Tensor, None]:
    """Within each window: (1, tokens, heads, width) from (1, heads, tokens, width) of all."""
    mask, seats = given["mask"], given["seats"]

    def apart(all_tokens: Tensor) -> Tensor:
        return _seated(all_tokens[0].transpose(0, 1), mask, seats).transpose(1, 2)

    found = scaled_dot_product_attention(
        apart(query),
        apart(key),
        apart(value),
        attn_mask=mask[:, None, None, :],
        dropout_p=given["dropout"],
        scale=given["scaling"],
    )
    return found.transpose(1, 2).flatten(0, 1)[seats][None], None


def _seated(tokens: Tensor, mask: Tensor, seats: Tensor) -> Tensor:
    """From shape (all tokens, ...) to (windows, tokens, ...)."""
    table = tokens.new_zeros((mask.numel(), *tokens.shape[1:]))
    return table.index_copy(0, seats, tokens).view(*mask.shape, *tokens.shape[1:])
