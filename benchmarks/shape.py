"""The bundled transformer's shape with random weights: speed does not depend on their values."""

import json
from collections import Counter
from pathlib import Path

import onnx
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from classifiers.bundle import TransformerPart, default_model_folder, read_bundle
from classifiers.encoding import PostEncoder
from classifiers.transformer_model import GRAPH, TOKENIZER
from training.multitask import MultiTask

_MATRIX_RANK = 2
_PRODUCTS = ("MatMul", "MatMulInteger")
_SHAPE = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
)


def transformer() -> tuple[TransformerPart, PostEncoder]:
    """What the manifest says of the bundled transformer, and its encoder."""
    manifest = read_bundle(default_model_folder()).manifest
    part = next(part for part in manifest.parts if isinstance(part, TransformerPart))
    return part, PostEncoder(_tokenizer(), manifest.windows, part.limits)


def random_model(encoder: PostEncoder) -> MultiTask:
    """Our model without what it learned."""
    bert = BertModel(_config(encoder.vocabulary_size), add_pooling_layer=False)
    bert.set_attn_implementation("eager")
    heads = len(read_bundle(default_model_folder()).manifest.heads)
    return MultiTask(bert, torch.zeros(heads), 0.0, 0.0).eval()


def write_for_peers(folder: Path) -> None:
    """Write our vocabulary and shape: other versions of libraries do not read a whole model."""
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / TOKENIZER))
    config = _config(tokenizer.get_vocab_size(with_added_tokens=True))
    shape = {name: getattr(config, name) for name in _SHAPE}
    (folder / "shape.json").write_text(json.dumps(shape), encoding="utf-8")


def operations(tokens: float) -> float:
    """Multiplications and additions of so many tokens with the bundled matrices."""
    return sum(2 * tokens * rows * columns for rows, columns in _matrix_shapes())


def _tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(default_model_folder() / TOKENIZER))


def _config(vocabulary: int) -> BertConfig:
    """As the bundled graph tells it."""
    shapes = _matrix_shapes()
    hidden = Counter(rows for rows, _ in shapes).most_common(1)[0][0]
    feed_forward = max(max(shape) for shape in shapes)
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=sum(shape == (hidden, feed_forward) for shape in shapes),
        num_attention_heads=12,
        intermediate_size=feed_forward,
    )


def _matrix_shapes() -> list[tuple[int, int]]:
    """Shapes of the matrices that tokens are multiplied with, in the bundled graph."""
    graph = onnx.load(default_model_folder() / GRAPH).graph
    matrices = {
        tensor.name: tuple(tensor.dims)
        for tensor in graph.initializer
        if len(tensor.dims) == _MATRIX_RANK
    }
    products = [node.input[1] for node in graph.node if node.op_type in _PRODUCTS]
    return [matrices[name] for name in products if name in matrices]
