"""Depths and engines side by side: posts a core-second of the transformer alone.

python benchmarks/engines.py [--tokens N] [--layers N ...]

One thread, one post of N tokens a run, random weights in the shape of the bundled model, since
speed does not depend on their values. ONNX Runtime scales the activations of a run together, or
by blocks of a token (its operator ``MatMulNBits``). OpenVINO reads the 32-bit graph, or 8-bit
weights and scales activations by groups of a token; a processor that computes bfloat16 in
hardware does so with its defaults, so both precisions are measured.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import openvino
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import (
    DefaultWeightOnlyQuantConfig,
    MatMulNBitsQuantizer,
)
from transformers import BertConfig, BertModel

from classifiers.encoding import Limits
from classifiers.session import Session
from training.multitask import MultiTask
from training.transformer_export import fused, quantize, write_graph

HEADS = 42
LIMITS = Limits(face_tokens=128, max_tokens=448)
SECONDS = 3.0
#: inputs that share a scale, of weights and of activations
GROUP = 128
_LEVELS = 127
_MATRIX_RANK = 2
_32_BITS = {"INFERENCE_PRECISION_HINT": "f32"}
_GROUPS = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": str(GROUP)}

Run = Callable[[np.ndarray], object]


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--layers", type=int, nargs="+", default=[4, 6, 8, 12])
    arguments = parser.parse_args()
    ids = np.random.default_rng(0).integers(5, 1_000, (1, arguments.tokens))
    for layers in arguments.layers:
        with tempfile.TemporaryDirectory() as folder:
            runs = _engines(Path(folder), layers)
            if layers == arguments.layers[0]:
                print(f"| layers | {' | '.join(runs)} |\n|{'---|' * (len(runs) + 1)}")
            rates = [f"{_rate(run, ids):.1f}" for run in runs.values()]
        print(f"| {layers} | {' | '.join(rates)} |", flush=True)


def _engines(folder: Path, layers: int) -> dict[str, Run]:
    """By name."""
    exact, small, blocks, weights = (
        folder / f"{name}.onnx" for name in ("exact", "small", "blocks", "weights")
    )
    model = _model(layers)
    write_graph(exact, model, LIMITS)
    _in_blocks(exact, blocks)
    _weights_alone(exact, weights)
    write_graph(small, fused(model), LIMITS)
    quantize(small, small)
    return {
        "ORT int8": _onnxruntime(small),
        "ORT int8, by blocks": _onnxruntime(blocks),
        "ORT fp32": _onnxruntime(exact),
        "OpenVINO int8, by groups": _openvino(weights, {**_32_BITS, **_GROUPS}),
        "the same, default": _openvino(weights, _GROUPS),
        "OpenVINO fp32": _openvino(exact, _32_BITS),
        "OpenVINO default": _openvino(exact, {}),
    }


def _model(layers: int) -> MultiTask:
    config = BertConfig(
        vocab_size=40_000,
        hidden_size=384,
        num_hidden_layers=layers,
        num_attention_heads=12,
        intermediate_size=1_536,
    )
    bert = BertModel(config, add_pooling_layer=False)
    bert.set_attn_implementation("eager")
    return MultiTask(bert, torch.zeros(HEADS), 0.0, 0.0).eval()


def _in_blocks(source: Path, target: Path) -> None:
    """8-bit products whose weights and activations have a scale a block."""
    config = DefaultWeightOnlyQuantConfig(
        block_size=GROUP, is_symmetric=True, accuracy_level=4, bits=8
    )
    quantizer = MatMulNBitsQuantizer(onnx.load(source), algo_config=config)
    quantizer.process()
    quantizer.model.save_model_to_file(str(target))


def _weights_alone(source: Path, target: Path) -> None:
    """Matrices in 8 bits, one scale a column; how activations are scaled is the engine's."""
    model = onnx.load(source)
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        tensor = tensors.get(node.input[1]) if node.op_type == "MatMul" else None
        if tensor is not None and len(tensor.dims) == _MATRIX_RANK:
            matrix = numpy_helper.to_array(tensor)
            scale = np.abs(matrix).max(axis=0) / _LEVELS
            name, read = f"{node.name}_levels", f"{node.name}_read"
            levels = np.round(matrix / scale).astype(np.int8)
            graph.initializer.extend(
                [
                    numpy_helper.from_array(levels, name),
                    numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"),
                ]
            )
            nodes.append(
                helper.make_node("DequantizeLinear", [name, f"{name}_scale"], [read], axis=1)
            )
            node.input[1] = read
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, target)


def _onnxruntime(graph: Path) -> Run:
    session = Session(graph, HEADS)
    return lambda ids: session.run({"input_ids": ids})


def _openvino(graph: Path, options: dict[str, str]) -> Run:
    one_thread = {"INFERENCE_NUM_THREADS": "1", "NUM_STREAMS": "1"}
    compiled = openvino.Core().compile_model(str(graph), "CPU", {**one_thread, **options})
    request = compiled.create_infer_request()
    return lambda ids: request.infer([ids])


def _rate(run: Run, ids: np.ndarray) -> float:
    for _ in range(3):
        run(ids)
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        run(ids)
        count += 1
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
