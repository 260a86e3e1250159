"""The linear baseline as an ONNX graph."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from classifiers.bundle import NgramPart
from classifiers.ngram import GROUPS
from classifiers.ngram_model import GRAPH, VOCABULARY
from training.bundle import Part
from training.config import NgramConfig
from training.ngram import LinearModel

OPSET = 17


def export_ngram(folder: Path, model: LinearModel, config: NgramConfig, part: NgramPart) -> Part:
    """Write graph and vocabulary into a bundle folder.

    Args:
        folder: exists.
        model: weights; stored as 8-bit integers, one scale a group and head.
        config: scales of the groups.
        part: what the manifest says of it.
    """
    onnx.save(_graph(model, config), folder / GRAPH)
    np.savez_compressed(
        folder / VOCABULARY,
        allow_pickle=False,
        **{group: model.vocabularies[group].keys for group in GROUPS},
    )
    return Part(part, (GRAPH, VOCABULARY))


def _graph(model: LinearModel, config: NgramConfig) -> onnx.ModelProto:
    """Per group: TF-IDF, unit length, weighted sum; a row of log-odds for each window."""
    scales = config.scale.model_dump()
    nodes, tensors, inputs, start = [], [], [], 0
    for group in GROUPS:
        vocabulary = model.vocabularies[group]
        end = start + len(vocabulary.keys)
        weights, steps = _eight_bits(model.weights[start:end] * scales[group])
        tensors += [
            _tensor(f"{group}_weights", _with_padding(weights)),
            _tensor(f"{group}_steps", steps),
            _tensor(f"{group}_idf", _with_padding(vocabulary.idf)),
        ]
        inputs += [
            helper.make_tensor_value_info(
                f"{group}_ids", TensorProto.INT64, [f"w_{group}", f"n_{group}"]
            ),
            helper.make_tensor_value_info(
                f"{group}_counts", TensorProto.FLOAT, [f"w_{group}", f"n_{group}"]
            ),
        ]
        nodes += _group_nodes(group)
        start = end
    tensors += [
        _tensor("one", np.array(1.0, np.float32)),
        _tensor("tiny", np.array(1e-9, np.float32)),
        _tensor("over_features", np.array([1], np.int64)),
        _tensor("bias", model.bias),
    ]
    nodes += [
        helper.make_node("Sum", [f"{group}_logits" for group in GROUPS], ["sum"]),
        helper.make_node("Add", ["sum", "bias"], ["logits"]),
    ]
    shape: list[str | int | None] = ["windows", len(model.bias)]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "ngram", inputs, [output], tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    proto.ir_version = 9  # what onnxruntime 1.19 reads
    onnx.checker.check_model(proto)
    return proto


def _group_nodes(group: str) -> list[onnx.NodeProto]:
    def named(name: str) -> str:
        return f"{group}_{name}"

    def node(op: str, ins: list[str], out: str, **attributes: Any) -> onnx.NodeProto:
        return helper.make_node(op, ins, [named(out)], **attributes)

    return [
        node("Log", [named("counts")], "log"),
        node("Add", [named("log"), "one"], "tf"),
        node("Gather", [named("idf"), named("ids")], "row_idf"),
        node("Mul", [named("tf"), named("row_idf")], "tfidf"),
        node("Mul", [named("tfidf"), named("tfidf")], "square"),
        node("ReduceSum", [named("square"), "over_features"], "sum_square", keepdims=1),
        node("Sqrt", [named("sum_square")], "length"),
        node("Max", [named("length"), "tiny"], "safe_length"),
        node("Div", [named("tfidf"), named("safe_length")], "unit"),
        node("Unsqueeze", [named("unit"), "over_features"], "row"),
        node("Gather", [named("weights"), named("ids")], "row_weights8"),
        node("Cast", [named("row_weights8")], "row_weights", to=TensorProto.FLOAT),
        node("MatMul", [named("row"), named("row_weights")], "steps_row"),
        node("Squeeze", [named("steps_row"), "over_features"], "steps_sum"),
        node("Mul", [named("steps_sum"), named("steps")], "logits"),
    ]


def _eight_bits(
    weights: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Integers of -127 to 127, and the step of each column that they count."""
    steps = np.abs(weights).max(axis=0) / 127
    steps = np.where(steps > 0, steps, 1).astype(np.float32)
    return np.rint(weights / steps).astype(np.int8), steps


def _with_padding(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One more row of zeros: what padding ids point at."""
    return np.concatenate([rows, np.zeros((1, *rows.shape[1:]), rows.dtype)])


def _tensor(name: str, values: npt.NDArray[Any]) -> onnx.TensorProto:
    return numpy_helper.from_array(values, name)
