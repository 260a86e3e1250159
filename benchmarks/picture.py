"""The picture in docs/performance.md."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

_NAMES = {
    "mingbian": "mingbian",
    "a_pipeline_bert_base_fp32": "(a) transformers pipeline,\nBERT-base fp32",
    "b_torch_fp32": "(b) our shape, torch fp32",
    "c_onnx_fp32": "(c) our shape, ONNX fp32",
}


def draw(report: dict[str, Any], path: Path) -> None:
    """Posts a second in batches, and the median latency of one post, as SVG."""
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "mingbian"
    systems = report["systems"]
    names = [_NAMES[name] for name in systems]
    figure, axes = plt.subplots(1, 2, figsize=(9, 2.6), sharey=True)
    for axis, field, title in (
        (axes[0], "posts_per_second", "posts a second, batch"),
        (axes[1], "p50_ms", "ms for one post, median"),
    ):
        values = [found[field] for found in systems.values()]
        bars = axis.barh(names, values, color=["#2f6f4f", *["#b0b0b0"] * (len(names) - 1)])
        axis.bar_label(bars, fmt="%g", padding=3)
        axis.set_title(title, fontsize=10)
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
