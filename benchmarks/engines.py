"""Depths and engines side by side: posts a core-second of the transformer alone.

python benchmarks/engines.py [--tokens N]

One thread, one post of N tokens a run, random weights in the shape of the bundled model, since
speed does not depend on their values. OpenVINO reads the 32-bit graph; on a processor with AMX
it computes in bfloat16 unless told otherwise, so both are measured.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import torch
from transformers import BertConfig, BertModel

from classifiers.encoding import Limits
from classifiers.session import Session
from training.multitask import MultiTask
from training.transformer_export import quantize, write_graph

HEADS = 42
LIMITS = Limits(face_tokens=128, max_tokens=448)
SECONDS = 3.0


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=128)
    tokens = parser.parse_args().tokens
    ids = np.random.default_rng(0).integers(5, 1_000, (1, tokens))
    print("| layers | ORT int8 | ORT fp32 | OpenVINO fp32 | OpenVINO default | int8 graph, MB |")
    print("|---|---|---|---|---|---|")
    for layers in (4, 6, 8, 12):
        with tempfile.TemporaryDirectory() as folder:
            exact, small = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
            write_graph(exact, _model(layers), LIMITS)
            quantize(exact, small)
            rates = [
                _rate(_onnxruntime(small), ids),
                _rate(_onnxruntime(exact), ids),
                _rate(_openvino(exact, {"INFERENCE_PRECISION_HINT": "f32"}), ids),
                _rate(_openvino(exact, {}), ids),
            ]
            size = small.stat().st_size / 1e6
        print(
            f"| {layers} | {' | '.join(f'{rate:.1f}' for rate in rates)} | {size:.1f} |", flush=True
        )


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


def _onnxruntime(graph: Path) -> Callable[[np.ndarray], object]:
    session = Session(graph, HEADS)
    return lambda ids: session.run({"input_ids": ids})


def _openvino(graph: Path, options: dict[str, str]) -> Callable[[np.ndarray], object]:
    one_thread = {"INFERENCE_NUM_THREADS": "1", "NUM_STREAMS": "1"}
    compiled = openvino.Core().compile_model(str(graph), "CPU", {**one_thread, **options})
    return compiled.infer_new_request


def _rate(run: Callable[[np.ndarray], object], ids: np.ndarray) -> float:
    for _ in range(3):
        run(ids)
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        run(ids)
        count += 1
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
