"""The multi-task transformer as an 8-bit ONNX graph."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn
from transformers import AttentionInterface

from classifiers.bundle import TransformerPart
from classifiers.encoding import Limits, PostEncoder
from classifiers.transformer_model import GRAPH, TOKENIZER
from labels.records import Post
from training.bundle import Part
from training.multitask import MultiTask
from training.quantize import quantizable

_EXAMPLE_TOKENS = 48
_FUSED = "onnxruntime"


class _OneWindow(nn.Module):
    """Logits of one window without padding: what the runtime asks for."""

    def __init__(self, model: MultiTask) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.model.window_logits(input_ids, torch.ones_like(input_ids))


def export_transformer(
    folder: Path,
    model: MultiTask,
    encoder: PostEncoder,
    posts: Sequence[Post],
    part: TransformerPart,
) -> Part:
    """Write graph and tokenizer into a bundle folder.

    Args:
        folder: exists.
        model: trained, in evaluation mode.
        encoder: of its input.
        posts: some, to learn the range of activations from.
        part: what the manifest says of it.
    """
    exact = folder / "fp32.onnx"
    windows = [window.ids for post in posts for window in encoder.encode(post)]
    write_graph(exact, fused(quantizable(model, windows)), part.limits)
    quantize(exact, folder / GRAPH)
    exact.unlink()
    encoder.tokenizer.save(str(folder / TOKENIZER), pretty=False)
    return Part(part, (GRAPH, TOKENIZER))


def fused(model: MultiTask) -> MultiTask:
    """Make attention one operator of the runtime; the model can only be exported from then on.

    A window has no padding, so there is nothing to mask.
    """
    AttentionInterface.register(_FUSED, _attention)
    model.encoder.set_attn_implementation(_FUSED)
    return model


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    **_: Any,
) -> tuple[Tensor, None]:
    """From shape (windows, heads, tokens, width) to (windows, tokens, heads, width)."""
    heads = query.shape[1]
    flat = [each.transpose(1, 2).flatten(2) for each in (query, key, value)]
    result = torch.onnx.ops.symbolic(
        "com.microsoft::MultiHeadAttention",
        flat,
        {"num_heads": heads, "scale": scaling},
        dtype=query.dtype,
        shape=flat[0].shape,
        version=1,
    )
    return torch.unflatten(result, 2, (heads, -1)), None


def quantize(source: Path, target: Path) -> None:
    """Turn matrices into 8-bit integers, one scale a column; activations are scaled by the run.

    Matrices of the widest channels stay in 32 bits. One bit is left unused: processors without
    VNNI add up in 16 bits and would overflow.
    """
    graph = onnx.load(source).graph
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul"],
        nodes_to_exclude=list(_of_widest(graph)),
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
    )


def _of_widest(graph: onnx.GraphProto) -> Iterator[str]:
    """Names of the products with the widest channels alone, which are picked right before."""
    picked = {name for node in graph.node if node.op_type == "Gather" for name in node.output}
    for node in graph.node:
        if node.op_type == "MatMul" and not picked.isdisjoint(node.input):
            yield node.name


def write_graph(path: Path, model: MultiTask, limits: Limits) -> None:
    """Write the 32-bit graph."""
    example = torch.full((1, _EXAMPLE_TOKENS), 5)
    tokens = torch.export.Dim("tokens", min=4, max=limits.max_tokens)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the exporter's own deprecations
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program: Any = torch.onnx.export(
            _OneWindow(model).eval(),
            (example,),
            input_names=["input_ids"],
            output_names=["logits"],
            dynamic_shapes=({1: tokens},),
            dynamo=True,
            verbose=False,
        )
    onnx.save(program.model_proto, path)
