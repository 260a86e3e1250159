"""The layers of an encoder whose parts have the names of BERT's."""

from typing import Any

from torch import nn


def bert_layers(encoder: nn.Module) -> list[Any]:
    """In order; none if its layers are of another kind.

    Each has ``attention.self`` with ``query``, ``key`` and ``value``, then
    ``attention.output.dense``, ``intermediate.dense`` and ``output.dense``.
    """
    return [
        module
        for module in encoder.modules()
        if hasattr(module, "attention") and hasattr(module, "intermediate")
    ]
