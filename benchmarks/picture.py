"""The pictures in docs/performance.md."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "mingbian"

NAMES = {
    "mingbian": "mingbian",
    "a_pipeline_bert_base_fp32": "(a) transformers pipeline,\nBERT-base fp32",
    "b_torch_fp32": "(b) our shape, torch fp32",
    "c_onnx_fp32": "(c) our shape, ONNX fp32",
    "d_infinity_torch_fp32": "(d) Infinity, our shape,\ntorch fp32",
    "e_infinity_onnx_int8": "(e) Infinity, our shape,\nONNX int8",
    "f_detoxify_torch_fp32": "(f) Detoxify, our shape,\ntorch fp32",
}
_OURS, _OTHERS = "#2f6f4f", "#b0b0b0"


def draw_speed(report: dict[str, Any], path: Path) -> None:
    """Posts a second in batches, and the median latency of one post, as SVG."""
    systems = report["systems"]
    names = [NAMES[name] for name in systems]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True)
    for axis, field, title in (
        (axes[0], "posts_per_second", "posts a second, batch"),
        (axes[1], "p50_ms", "ms for one post, median"),
    ):
        values = [found[field] for found in systems.values()]
        bars = axis.barh(names, values, color=[_OURS, *[_OTHERS] * (len(names) - 1)])
        axis.bar_label(bars, fmt="%g", padding=3)
        axis.set_title(title, fontsize=10)
        axis.margins(x=0.15)
    axes[0].invert_yaxis()
    _save(figure, path)


def draw_scale(report: dict[str, Any], path: Path) -> None:
    """Simulated waits and refusals against utilisation, a line for each number of cores."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharex=True)
    colours = mpl.colormaps["viridis"].resampled(len(report["cores"]) + 1)
    for place, (cores, found) in enumerate(report["cores"].items()):
        busy = [100 * each["utilisation"] for each in found]
        style = {"color": colours(place), "marker": "o", "markersize": 3, "label": f"{cores} cores"}
        axes[0].plot(busy, [each["p99_ms"] for each in found], **style)
        axes[1].plot(busy, [100 * each["refused"] for each in found], **style)
    for axis, title in zip(axes, ("wait, p99, ms", "refused with 503, %"), strict=True):
        axis.set_title(f"{title} (simulated)", fontsize=10)
        axis.set_xlabel("utilisation offered, %")
    axes[0].legend(frameon=False, fontsize=8)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
