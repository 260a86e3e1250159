"""The weights of an exported transformer, read back from its 8-bit graph to be trained further.

What the export rounded stays rounded (it costs a head at most 0.005 of average precision); what
it did to lose less (:mod:`training.quantize`) is undone. So a bundle is all that a next model
needs of the last.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from classifiers.bundle import Bundle
from classifiers.transformer_model import GRAPH
from labels.errors import ModelError

_MODEL = "model."
_BIAS, _WEIGHT = ".bias", ".weight"
_SHRINK, _LEVELS, _SCALE = ".shrink", ".levels", ".scale"
_QUERIES = "queries.weight"
_WIDENED = ".intermediate.dense.bias"
_HEADS = "num_heads"
#: how the widest channels are parted from the others: put last, or, up to model 0.7, left in place
_SPLIT, _PICKED = "Split", "Gather"

Array = npt.NDArray[np.float32]


def champion_weights(
    bundle: Bundle, heads: Sequence[str], shapes: Mapping[str, torch.Size]
) -> dict[str, Tensor]:
    """The parameters of a bundle's transformer.

    Args:
        bundle: that was checked.
        heads: which of its heads, in which order.
        shapes: of every parameter of the model that will carry them, by name.

    Raises:
        ModelError: the bundle has no transformer, lacks a head, or holds another encoder.
    """
    graph = _graph(bundle)
    lacking = [head for head in heads if head not in bundle.manifest.heads]
    if lacking:
        raise ModelError(
            f"{bundle.folder}: has no head for {lacking}, which the data would teach",
            remedy="train anew with `mingbian train run`",
        )
    found = {name: torch.tensor(value) for name, value in graph.parameters()}
    rows = [bundle.manifest.heads.index(head) for head in heads]
    found |= {name: found[name][rows] for name in (_QUERIES, "weights", "bias") if name in found}
    wrong = [n for n, shape in shapes.items() if n not in found or found[n].shape != shape]
    if wrong:
        raise ModelError(
            f"{bundle.folder / GRAPH}: {len(wrong)} parameters are missing or of another shape: "
            f"{wrong[:3]}",
            remedy="train further with the encoder and layers that the bundle was made with",
        )
    return {name: found[name] for name in shapes}


def widths(bundle: Bundle) -> dict[str, int | None]:
    """How wide the layers of a bundle's transformer are, as a recipe's ``encoder`` says it.

    Returns:
        ``attention_heads`` and ``feed_forward``, None of what its layers do not have.

    Raises:
        ModelError: the bundle has no transformer.
    """
    graph = _graph(bundle)
    return {"attention_heads": graph.attention_heads(), "feed_forward": graph.neurons()}


def _graph(bundle: Bundle) -> "_Graph":
    if GRAPH not in bundle.manifest.files:
        raise ModelError(f"{bundle.folder}: has no transformer to train further")
    return _Graph(bundle.folder / GRAPH)


class _Graph:
    """An exported graph, which names vectors but not matrices: those are told by their bias."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(path).graph
        self._values = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self._nodes = graph.node
        self._maker = {output: node for node in graph.node for output in node.output}

    def parameters(self) -> Iterator[tuple[str, Array]]:
        """Each with its name in the model."""
        for name, value in self._values.items():
            if not name.startswith(_MODEL):
                continue
            plain = name.removeprefix(_MODEL)
            if plain.endswith(_LEVELS):
                scale = self._values[name.removesuffix(_LEVELS) + _SCALE]
                yield plain.removesuffix(_LEVELS) + _WEIGHT, value.astype(np.float32) * scale
            elif not plain.endswith((_SHRINK, _SCALE)):
                yield plain, value
        yield from self._matrices()

    def attention_heads(self) -> int | None:
        """Of a layer, if attention is one operator."""
        counts = (each.i for node in self._nodes for each in node.attribute if each.name == _HEADS)
        return next(counts, None)

    def neurons(self) -> int | None:
        """Of a feed-forward layer, if it is like BERT's."""
        wide = (value for name, value in self._values.items() if name.endswith(_WIDENED))
        return next(map(len, wide), None)

    def _matrices(self) -> Iterator[tuple[str, Array]]:
        """Of each product that a bias follows; the one that is left makes the heads' queries."""
        left = {name for node in self._nodes for name in node.output}
        for node in self._nodes:
            bias = next((name for name in node.input if name.endswith(_BIAS)), "")
            if node.op_type != "Add" or bias not in self._values:
                continue
            product = next(name for name in node.input if name != bias)
            left.discard(product)
            weight = self._weight(product)
            if weight is not None:
                name = bias.removeprefix(_MODEL).removesuffix(_BIAS)
                yield name + _WEIGHT, self._widened(node.output[0], weight)
        heads = len(self._values[f"{_MODEL}bias"])
        for product in sorted(left):
            weight = self._weight(product)
            if weight is not None and len(weight) == heads:
                yield _QUERIES, weight

    def _weight(self, product: str) -> Array | None:
        """Shape (outputs, inputs) of the matrix that a product is made with, if it is constant."""
        node = self._maker.get(product)
        if node is None:
            return None
        if node.op_type == "MatMul":
            weight = self._values.get(node.input[1])
            return None if weight is None else weight.T
        # an 8-bit product: integers, turned into floats, times the scales of both sides
        makers = [self._maker[name] for name in node.input if name in self._maker]
        cast = next((each for each in makers if each.op_type == "Cast"), None)
        scales = next((each for each in makers if each.op_type == "Mul"), None)
        whole = cast and self._maker.get(cast.input[0])
        if node.op_type != "Mul" or not whole or not scales or whole.op_type != "MatMulInteger":
            return None
        _, levels, _, zero = (self._values.get(name) for name in whole.input)
        scale = next(self._values[name] for name in scales.input if name in self._values)
        if levels is None or zero is None:
            return None
        weight = (levels.astype(np.float32) - zero) * scale
        return np.asarray(weight.T * self._shrink(whole), dtype=np.float32)

    def _shrink(self, product: onnx.NodeProto) -> Array:
        """What the channels of an 8-bit product's inputs are multiplied by before."""
        eight_bit = self._maker[product.input[0]]
        maker = self._maker.get(eight_bit.input[0])
        names = maker.input if maker else ()
        shrink = (self._values[name] for name in names if name.endswith(_SHRINK))
        return next(shrink, np.ones(1, dtype=np.float32))

    def _widened(self, output: str, weight: Array) -> Array:
        """With the columns that are multiplied in 32 bits beside it, if there are such."""
        for node in self._nodes:
            if node.op_type != "Add" or output not in node.input:
                continue
            beside = self._maker.get(next(name for name in node.input if name != output))
            parted = beside and self._maker.get(beside.input[0])
            if not beside or not parted or beside.op_type != "MatMul":
                continue
            if parted.op_type not in (_SPLIT, _PICKED):
                continue
            exact = self._values[beside.input[1]].T
            if parted.op_type == _SPLIT:
                return np.hstack([weight, exact])
            weight = weight.copy()
            weight[:, self._values[parted.input[1]]] = exact
        return weight
