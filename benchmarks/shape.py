"""The bundled transformer's shape with random weights: speed does not depend on their values."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from classifiers.bundle import TransformerPart, default_model_folder, read_bundle
from classifiers.encoding import PostEncoder
from classifiers.transformer_model import GRAPH, TOKENIZER
from training.champion import widths
from training.config import PretrainedEncoder
from training.multitask import MultiTask
from training.narrow import trim

_MATRIX_RANK = 2
_PRODUCTS = ("MatMul", "MatMulInteger")
_QUERY = "attention.self.query.bias"
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
    bundle = read_bundle(default_model_folder())
    trim(bert, PretrainedEncoder(name=bundle.manifest.id, **widths(bundle)))
    return MultiTask(bert, torch.zeros(len(bundle.manifest.heads)), 0.0, 0.0).eval()


def write_for_peers(folder: Path) -> None:
    """Write our vocabulary and shape: other versions of libraries do not read a whole model."""
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / TOKENIZER))
    config = _config(tokenizer.get_vocab_size(with_added_tokens=True))
    left = widths(read_bundle(default_model_folder()))["attention_heads"]
    gone = list(range(left or 0, config.num_attention_heads))
    shape = {name: getattr(config, name) for name in _SHAPE}
    shape["pruned_heads"] = dict.fromkeys(range(config.num_hidden_layers), gone)
    (folder / "shape.json").write_text(json.dumps(shape), encoding="utf-8")


def weight_operations(windows: Sequence[Sequence[int]]) -> float:
    """Multiplications and additions of all tokens with the bundled matrices."""
    tokens = sum(map(len, windows))
    return sum(2.0 * tokens * rows * columns for rows, columns in _matrix_shapes())


def attention_operations(windows: Sequence[Sequence[int]]) -> float:
    """Those of tokens with each other: queries with keys, and what comes of it with values."""
    squares = sum(len(ids) ** 2 for ids in windows)
    return sum(4.0 * squares * width for width in _query_widths(_graph()))


def _tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(default_model_folder() / TOKENIZER))


def _config(vocabulary: int) -> BertConfig:
    """As the bundled graph tells it, with the heads that a BERT of that width begins with."""
    bundle = read_bundle(default_model_folder())
    left = widths(bundle)
    hidden = Counter(rows for rows, _ in _matrix_shapes()).most_common(1)[0][0]
    queries = _query_widths(_graph())
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=len(queries),
        num_attention_heads=hidden * left["attention_heads"] // queries[0],
        intermediate_size=left["feed_forward"],
    )


def _graph() -> onnx.GraphProto:
    return onnx.load(default_model_folder() / GRAPH).graph


def _query_widths(graph: onnx.GraphProto) -> list[int]:
    """Of all heads of a layer together, layer by layer."""
    return [each.dims[0] for each in graph.initializer if each.name.endswith(_QUERY)]


def _matrix_shapes() -> list[tuple[int, int]]:
    """Shapes of the matrices that tokens are multiplied with, in the bundled graph."""
    graph = _graph()
    matrices = {
        tensor.name: tuple(tensor.dims)
        for tensor in graph.initializer
        if len(tensor.dims) == _MATRIX_RANK
    }
    products = [node.input[1] for node in graph.node if node.op_type in _PRODUCTS]
    return [matrices[name] for name in products if name in matrices]
