"""The linear baseline as an ONNX bundle, checked against the model it came from."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from classifiers.bundle import MANIFEST, file_sha256
from classifiers.ngram import GROUPS
from classifiers.ngram_model import GRAPH, VOCABULARY
from classifiers.scorer import load_scorer
from labels.errors import ModelError
from labels.records import LabelledPost
from training.card import model_card
from training.config import NgramConfig
from training.evaluate import calibrated
from training.ngram import Floats, LinearModel, logits

OPSET = 17


def write_bundle(
    folder: Path,
    model: LinearModel,
    calibration: tuple[Floats, Floats],
    config: NgramConfig,
    manifest: dict[str, Any],
) -> None:
    """Write graph, vocabulary, manifest and model card.

    Args:
        folder: made if need be.
        model: weights; stored as 16-bit floats.
        calibration: slope and offset a head.
        config: scales of the groups, windows.
        manifest: the fields of :class:`classifiers.bundle.Manifest` but ``files``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_graph(model, calibration, config), folder / GRAPH)
    np.savez_compressed(
        folder / VOCABULARY,
        allow_pickle=False,
        **{group: model.vocabularies[group].keys for group in GROUPS},
    )
    files = {name: file_sha256(folder / name) for name in (GRAPH, VOCABULARY)}
    text = json.dumps({**manifest, "files": files}, ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    (folder / "README.md").write_text(model_card(manifest), encoding="utf-8")


#: 16-bit weights move a probability by less than this
TOLERANCE = 2e-3


def check_bundle(
    folder: Path,
    posts: Sequence[LabelledPost],
    model: LinearModel,
    calibration: tuple[Floats, Floats],
    config: NgramConfig,
) -> None:
    """Score short posts with the written bundle and with the model it came from.

    Raises:
        ModelError: a probability differs by more than ``TOLERANCE``, or the bundle is not whole.
    """
    short = [post for post in posts if len(post.text or "") <= config.window_chars][:300]
    expected = calibrated(logits(model, short, config), calibration)
    scored = load_scorer(folder, threads=1).score(short)
    found = np.array([list(scores.heads.values()) for scores in scored])
    worst = float(np.abs(found - expected).max())
    if worst > TOLERANCE:
        raise ModelError(f"{folder}: a probability moved by {worst:.4f} in the export")


def _graph(
    model: LinearModel, calibration: tuple[Floats, Floats], config: NgramConfig
) -> onnx.ModelProto:
    """Per group: TF-IDF, unit length, weighted sum; the worst window of each head; calibration."""
    scales = config.scale.model_dump()
    nodes, tensors, inputs, start = [], [], [], 0
    for group in GROUPS:
        vocabulary = model.vocabularies[group]
        end = start + len(vocabulary.keys)
        weights = model.weights[start:end] * scales[group]
        tensors += [
            _tensor(f"{group}_weights", _with_padding(weights.astype(np.float16))),
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
    slopes, offsets = calibration
    tensors += [
        _tensor("one", np.array(1.0, np.float32)),
        _tensor("tiny", np.array(1e-9, np.float32)),
        _tensor("over_features", np.array([1], np.int64)),
        _tensor("bias", model.bias),
        _tensor("slope", slopes.astype(np.float32)),
        _tensor("offset", offsets.astype(np.float32)),
    ]
    nodes += [
        helper.make_node("Sum", [f"{group}_logits" for group in GROUPS], ["sum"]),
        helper.make_node("Add", ["sum", "bias"], ["logits"]),
        helper.make_node("ReduceMax", ["logits"], ["worst"], axes=[0], keepdims=1),
        helper.make_node("Mul", ["worst", "slope"], ["sloped"]),
        helper.make_node("Add", ["sloped", "offset"], ["calibrated"]),
        helper.make_node("Sigmoid", ["calibrated"], ["probabilities"]),
    ]
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, len(model.bias)])
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
        node("Gather", [named("weights"), named("ids")], "row_weights16"),
        node("Cast", [named("row_weights16")], "row_weights", to=TensorProto.FLOAT),
        node("MatMul", [named("row"), named("row_weights")], "logits_row"),
        node("Squeeze", [named("logits_row"), "over_features"], "logits"),
    ]


def _with_padding(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One more row of zeros: what padding ids point at."""
    return np.concatenate([rows, np.zeros((1, *rows.shape[1:]), rows.dtype)])


def _tensor(name: str, values: npt.NDArray[Any]) -> onnx.TensorProto:
    return numpy_helper.from_array(values, name)
