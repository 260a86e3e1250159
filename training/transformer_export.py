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

from classifiers.bundle import TransformerPart
from classifiers.encoding import Limits, PostEncoder
from classifiers.transformer_model import GRAPH, TOKENIZER
from labels.records import Post
from training.bundle import Part
from training.layers import bert_layers
from training.multitask import MultiTask
from training.quantize import quantizable
from training.rounding import round_weights

_EXAMPLE_TOKENS = 48


class _OneWindow(nn.Module):
    """Logits of one window without padding, hence without a mask: what the runtime asks for."""

    def __init__(self, model: MultiTask) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.model.pooled(self.model.encoder(input_ids=input_ids).last_hidden_state)


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
    helped = quantizable(model, windows)
    round_weights(helped, windows)
    write_graph(exact, fused(helped), part.limits)
    quantize(exact, folder / GRAPH)
    exact.unlink()
    encoder.tokenizer.save(str(folder / TOKENIZER), pretty=False)
    return Part(part, (GRAPH, TOKENIZER))


def fused(model: MultiTask) -> MultiTask:
    """Make attention one operator of the runtime; the model can only be exported from then on.

    GELU is computed by tanh, which is faster and nowhere 0.0005 off (Hendrycks and Gimpel 2016).
    """
    for layer in bert_layers(model.encoder):
        layer.attention.self = _Attention(layer.attention.self)
        if model.encoder.config.hidden_act == "gelu":
            layer.intermediate.intermediate_act_fn = nn.GELU(approximate="tanh")
    return model


class _Attention(nn.Module):
    """BERT's self-attention as the runtime computes it; a window has no padding to be masked."""

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.query, self.key, self.value = attention.query, attention.key, attention.value
        self.heads = len(attention.query.weight) // attention.attention_head_size
        self.scaling = attention.scaling

    def forward(self, states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, None]:
        """From shape (windows, tokens, width) to (windows, tokens, heads x their width)."""
        given = [self.query(states), self.key(states), self.value(states)]
        found = torch.onnx.ops.symbolic(
            "com.microsoft::MultiHeadAttention",
            given,
            {"num_heads": self.heads, "scale": self.scaling},
            dtype=states.dtype,
            shape=given[0].shape,
            version=1,
        )
        return found, None


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
    """Names of the products with the widest channels alone: the last that a split leaves."""
    widest = {node.output[-1] for node in graph.node if node.op_type == "Split"}
    for node in graph.node:
        if node.op_type == "MatMul" and not widest.isdisjoint(node.input):
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
