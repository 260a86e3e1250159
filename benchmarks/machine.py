"""What a benchmark ran on."""

import platform
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper
from timing import CORES, seconds

from classifiers.bundle import default_model_folder, read_bundle
from classifiers.session import session_options

#: whatever else a machine does slows a try
_TRIES = 10
_PACKAGES = ("onnxruntime", "torch", "transformers")
#: instructions for 8-bit products, the fastest first
_INSTRUCTIONS = {
    "amx_int8": "AMX",
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX VNNI",
    "avx2": "AVX2",
}


def conditions(posts: int) -> dict[str, Any]:
    """What a report begins with: date, bundled model, machine, and how many posts were timed."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "model": read_bundle(default_model_folder()).version.model_dump(),
        "machine": _machine(),
        "posts": posts,
    }


def _machine() -> dict[str, Any]:
    return {
        "cores": CORES,
        **_processor(),
        "isa": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def int8_peak() -> float:
    """Operations a second of large 8-bit matrix products, one session a core; the best of a few."""
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
    session = ort.InferenceSession(
        proto.SerializeToString(), session_options(1), providers=["CPUExecutionProvider"]
    )
    feed = {"x": np.ones((rows, inner), np.uint8)}

    def work(_: int) -> None:
        for _ in range(rounds):
            session.run(None, feed)

    with ThreadPoolExecutor(CORES) as pool:
        best = min(seconds(lambda: list(pool.map(work, range(CORES)))) for _ in range(_TRIES))
    return 2.0 * rows * inner * columns * rounds * CORES / best


def _processor() -> dict[str, str]:
    """Its name, and the best it has for 8-bit products."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = dict(re.findall(r"^(.+?)\s*: (.*)$", text, re.MULTILINE))
    flags = set(found.get("flags", "").split())
    best = next(
        (told for flag, told in _INSTRUCTIONS.items() if flag in flags), "no 8-bit products"
    )
    return {"processor": found.get("model name", "unknown"), "instructions": best}
