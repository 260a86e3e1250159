"""How fast scoring is beside what people run today; one machine, one run, ratios.

python benchmarks/speed.py [--posts N] [--out FILE]

Measured are: the bundled model through ``Scorer``; (a) ``transformers.pipeline`` in fp32 with a
BERT-base of random weights, which is what users run today; (b) the bundled transformer's shape
in fp32 torch; (c) the same as a fp32 ONNX graph. Speed does not depend on the values of weights.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper
from peer import PEER_POSTS, SINGLE_POSTS, batch, pipeline, real_length_posts, single
from picture import draw
from tokenizers import Tokenizer
from transformers import (
    BertConfig,
    BertModel,
)

from classifiers.bundle import TransformerPart, default_model_folder, read_bundle
from classifiers.encoding import PostEncoder
from classifiers.rendering import content
from classifiers.scorer import load_scorer
from classifiers.session import Session
from classifiers.transformer_model import GRAPH, TOKENIZER
from labels.records import Post
from training.multitask import MultiTask
from training.transformer_export import write_graph

HERE = Path(__file__).parent
CORES = os.cpu_count() or 1
_MATRIX_RANK = 2
_PRODUCTS = ("MatMul", "MatMulInteger")


def main() -> None:
    """Measure, print, write JSON and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=2_000)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "speed.json")
    arguments = parser.parse_args()
    torch.set_num_threads(CORES)
    rows = real_length_posts(arguments.posts)
    part, encoder = _transformer()
    windows = [[window.ids for window in encoder.encode(post)] for post in rows]
    systems = {
        "mingbian": _ours(rows),
        "a_pipeline_bert_base_fp32": pipeline(rows),
        "b_torch_fp32": _torch(encoder, windows),
        "c_onnx_fp32": _onnx(part, encoder, windows),
    }
    peak = _int8_peak()
    rate = systems["mingbian"]["posts_per_second"]
    tokens = float(np.mean([sum(map(len, post)) for post in windows]))
    a = systems["a_pipeline_bert_base_fp32"]
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "model": read_bundle(default_model_folder()).version.model_dump(),
        "machine": {"cores": CORES, "isa": platform.machine(), **_versions()},
        "posts": len(rows),
        "characters_a_post": round(float(np.mean([len(content(post)) for post in rows])), 1),
        "tokens_a_post": round(tokens, 1),
        "systems": systems,
        "ratios": {
            "batch_over_a": round(rate / a["posts_per_second"], 2),
            "single_p50_over_a": round(systems["mingbian"]["p50_ms"] / a["p50_ms"], 4),
            "batch_over_b": round(rate / systems["b_torch_fp32"]["posts_per_second"], 2),
            "batch_over_c": round(rate / systems["c_onnx_fp32"]["posts_per_second"], 2),
        },
        "int8_peak_gflops": round(peak / 1e9, 1),
        "share_of_int8_peak": round(rate * _operations(tokens) / peak, 3),
        "server": _server(rows[0]),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    draw(report, HERE.parent / "docs" / "speed.svg")
    print(json.dumps(report, indent=1))


def _transformer() -> tuple[TransformerPart, PostEncoder]:
    folder = default_model_folder()
    manifest = read_bundle(folder).manifest
    part = next(part for part in manifest.parts if isinstance(part, TransformerPart))
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    return part, PostEncoder(tokenizer, manifest.windows, part.limits)


def _ours(rows: Sequence[Post]) -> dict[str, float]:
    folder = default_model_folder()
    one = load_scorer(folder, threads=1)
    together = load_scorer(folder, threads=CORES)
    together.score(rows[:50])
    return {
        **batch(lambda: together.score(rows), len(rows)),
        **single([lambda post=post: one.score([post]) for post in rows[:SINGLE_POSTS]]),
    }


def _torch(encoder: PostEncoder, windows: Sequence[list[list[int]]]) -> dict[str, float]:
    model = _random_model(encoder)

    def score(post: list[list[int]]) -> None:
        with torch.no_grad():
            for ids in post:
                tokens = torch.tensor([ids])
                model.window_logits(tokens, torch.ones_like(tokens))

    some = windows[:: max(1, len(windows) // PEER_POSTS)][:PEER_POSTS]
    score(some[0])
    calls = [lambda post=post: score(post) for post in some]
    return {
        **batch(lambda: [call() for call in calls], len(some)),
        **single(calls[:SINGLE_POSTS]),
    }


def _onnx(
    part: TransformerPart, encoder: PostEncoder, windows: Sequence[list[list[int]]]
) -> dict[str, float]:
    model = _random_model(encoder)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / GRAPH
        write_graph(graph, model, part.limits)
        session = Session(graph, len(model.bias))

    def score(post: list[list[int]]) -> None:
        for ids in post:
            session.run({"input_ids": np.array([ids], dtype=np.int64)})

    some = windows[:: max(1, len(windows) // PEER_POSTS)][:PEER_POSTS]
    score(some[0])
    with ThreadPoolExecutor(CORES) as pool:
        together = batch(lambda: list(pool.map(score, some)), len(some))
    return {**together, **single([lambda post=post: score(post) for post in some[:SINGLE_POSTS]])}


def _random_model(encoder: PostEncoder) -> MultiTask:
    """The bundled transformer's shape, as its graph tells it."""
    shapes = _matrix_shapes()
    hidden = Counter(rows for rows, _ in shapes).most_common(1)[0][0]
    feed_forward = max(max(shape) for shape in shapes)
    layers = sum(shape == (hidden, feed_forward) for shape in shapes)
    config = BertConfig(
        vocab_size=encoder.vocabulary_size,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=12,
        intermediate_size=feed_forward,
    )
    bert = BertModel(config, add_pooling_layer=False)
    bert.set_attn_implementation("eager")
    heads = len(read_bundle(default_model_folder()).manifest.heads)
    return MultiTask(bert, torch.zeros(heads), 0.0, 0.0).eval()


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


def _operations(tokens: float) -> float:
    """Multiplications and additions of so many tokens with the bundled matrices."""
    return sum(2 * tokens * rows * columns for rows, columns in _matrix_shapes())


def _int8_peak() -> float:
    """Operations a second of large 8-bit matrix products, one session a core."""
    rows, inner, columns, rounds = 512, 1_024, 1_024, 20
    weights = np.ones((inner, columns), np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "peak",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [rows, inner])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [rows, columns])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 9
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feed = {"x": np.ones((rows, inner), np.uint8)}

    def work(_: int) -> None:
        for _ in range(rounds):
            session.run(None, feed)

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(work, range(CORES)))
        start = time.perf_counter()
        list(pool.map(work, range(CORES)))
        seconds = time.perf_counter() - start
    return 2.0 * rows * inner * columns * rounds * CORES / seconds


def _server(post: Post) -> dict[str, float]:
    """Seconds until the API is ready, and resident memory after it scored a post."""
    start = time.perf_counter()
    command = [str(Path(sys.executable).with_name("mingbian")), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout  # noqa: S101 - a pipe was asked for
        address = next(
            word for word in server.stdout.readline().decode().split() if word.startswith("http")
        )
        _until_ready(f"{address}/readyz")
        ready = time.perf_counter() - start
        body = json.dumps({"items": [post.model_dump(mode="json", exclude_none=True)]}).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{address}/v1/score", body, headers)  # noqa: S310
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - ours
        memory = _resident_mb(server.pid)
        server.terminate()
    return {"ready_seconds": round(ready, 2), "resident_mb": memory}


def _until_ready(address: str) -> None:
    for _ in range(1_000):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - ours
        except OSError:
            time.sleep(0.01)
        else:
            return


def _resident_mb(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return round(pages * resource.getpagesize() / 1e6, 1)


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "onnxruntime": ort.__version__,
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    main()
