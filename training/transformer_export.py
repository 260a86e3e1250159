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
from training.multitask import MultiTask
from training.quantize import quantizable

_EXAMPLE_TOKENS = 48
_KEY = ".self.key'"


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
    write_graph(exact, quantizable(model, windows), part.limits)
    quantize(exact, folder / GRAPH)
    exact.unlink()
    encoder.tokenizer.save(str(folder / TOKENIZER), pretty=False)
    return Part(part, (GRAPH, TOKENIZER))


def quantize(source: Path, target: Path) -> None:
    """Turn matrices into 8-bit integers, one scale a column; activations are scaled by the run.

    Matrices of the widest channels stay in 32 bits, and so do those of the attention's keys: one
    product in twelve, to which rare heads owed most of what they lost. One bit is left unused:
    processors without VNNI add up in 16 bits and would overflow.
    """
    graph = onnx.load(source).graph
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul"],
        nodes_to_exclude=[*_of_widest(graph), *_of_keys(graph)],
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


def _of_keys(graph: onnx.GraphProto) -> Iterator[str]:
    """Names of the products that make the attention's keys, told by the module they came from."""
    for node in graph.node:
        scopes = (p.value for p in node.metadata_props if p.key == "pkg.torch.onnx.name_scopes")
        if node.op_type == "MatMul" and any(_KEY in scope for scope in scopes):
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
