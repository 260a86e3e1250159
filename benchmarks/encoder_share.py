"""How near the bundled encoder comes to the processor's 8-bit peak."""

import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
from shape import operations
from timing import CORES, seconds

from classifiers.bundle import default_model_folder
from classifiers.session import open_graph, session_options
from classifiers.transformer_model import GRAPH

_MICROSECOND = 1e-6


def shares_of_peak(windows: Sequence[Sequence[int]], peak: float) -> dict[str, float]:
    """Operations a second of the encoder's matrix products over the peak, all cores busy.

    ``encoder`` counts all of its time: attention, normalisation, activations and the heads'
    pooling too. ``products`` counts the time within the matrix products, with what scales
    activations to 8 bits inside them; from the runtime's profile.

    Args:
        windows: token ids of each window.
        peak: 8-bit operations a second of all cores.
    """
    done = operations(sum(map(len, windows)))
    whole = _busy_seconds(_session(), windows)
    with tempfile.TemporaryDirectory() as folder:
        profiled = _session(Path(folder) / "encoder")
        _busy_seconds(profiled, windows)
        products = _product_seconds(Path(profiled.end_profiling())) / CORES
    return {
        "encoder": round(done / whole / peak, 3),
        # the profile holds a first, warming pass too
        "products": round(2 * done / products / peak, 3),
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
