"""How near the bundled encoder comes to the processor's 8-bit peak."""

import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime as ort
from machine import int8_peak
from shape import attention_operations, weight_operations
from timing import CORES, seconds

from classifiers.bundle import default_model_folder
from classifiers.session import open_graph, session_options
from classifiers.transformer_model import GRAPH

_MICROSECOND = 1e-6
_TURNS = 5


def shares_of_peak(windows: Sequence[Sequence[int]]) -> dict[str, float]:
    """Operations a second of the encoder's matrix products over the peak, all cores busy.

    Each is measured in turns with the peak, since a machine's speed comes and goes; the median of
    a few turns.

    Args:
        windows: token ids of each window.

    Returns:
        ``encoder`` counts all matrix products and all of the encoder's time: normalisation,
        activations, softmax and the heads' pooling too (model FLOPs utilisation, Chowdhery et al.
        2022); ``encoder_weights`` counts all of its time, and of the products those with weights
        alone. ``products`` counts these and their own time, with what scales activations to 8
        bits inside them, from the runtime's profile. ``int8_peak_gflops`` is the peak.
    """
    weights, attention = weight_operations(windows), attention_operations(windows)
    plain = _session()
    whole: list[float] = []
    inside: list[float] = []
    peaks: list[float] = []
    for _ in range(_TURNS):
        peaks.append(int8_peak())
        whole.append(_busy_seconds(plain, windows) * peaks[-1])
        with tempfile.TemporaryDirectory() as folder:
            profiled = _session(Path(folder) / "encoder")
            _busy_seconds(profiled, windows)
            found = _product_seconds(Path(profiled.end_profiling())) / CORES
        # the profile holds a first, warming pass too
        inside.append(found / 2 * peaks[-1])
    return {
        "encoder": round((weights + attention) / median(whole), 3),
        "encoder_weights": round(weights / median(whole), 3),
        "products": round(weights / median(inside), 3),
        "int8_peak_gflops": round(median(peaks) / 1e9, 1),
    }


def _session(profile: Path | None = None) -> ort.InferenceSession:
    """As the package opens it; a file of that name tells how long each operator took."""
    options = session_options(1)
    if profile:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    return open_graph(default_model_folder() / GRAPH, options)


def _busy_seconds(session: ort.InferenceSession, windows: Sequence[Sequence[int]]) -> float:
    """How long a second pass takes, one window a run and a core."""

    def run(ids: Sequence[int]) -> None:
        session.run(None, {"input_ids": np.array([ids], dtype=np.int64)})

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(run, windows))
        return seconds(lambda: list(pool.map(run, windows)))


def _product_seconds(profile: Path) -> float:
    """Core time of every matrix product in a profile."""
    events = json.loads(profile.read_text(encoding="utf-8"))
    return _MICROSECOND * sum(
        event["dur"]
        for event in events
        if event["name"].endswith("_kernel_time") and "MatMul" in event["args"]["op_name"]
    )
