"""How fast scoring is beside what people run today; one machine, one run, ratios.

python benchmarks/speed.py --peers PYTHON [--posts N]

Measured are: the bundled model through ``Scorer``; (a) ``transformers.pipeline`` in fp32 with a
BERT-base of random weights, which is what users run today; (b) the bundled transformer's shape
in fp32 torch; (c) the same as a fp32 ONNX graph; (d) to (f) published packages on weights of
that shape, with PYTHON, which has them. Speed does not depend on the values of weights. All read
the same posts; ours and (a) to (c) in turns.

Writes ``speed.json`` and ``service.json`` to ``benchmarks/results``, and the picture and the
table of docs/performance.md.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from api import api
from encoder_share import shares_of_peak
from machine import conditions
from page import DOCS, RESULTS, fill
from peer import pipeline, real_length_posts
from picture import draw_speed
from service import service_times
from shape import transformer
from speed_block import speed_block
from systems import mingbian, onnx_fp32, published, tokens_a_post, torch_fp32, windows_of
from timing import CORES, in_turns, spread

from classifiers.rendering import content

#: what all are timed on one by one
_SINGLES = 200
#: whose service times the simulation of queues draws from
_SERVED = 2_000


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, required=True, metavar="PYTHON")
    parser.add_argument("--posts", type=int, default=400)
    arguments = parser.parse_args()
    torch.set_num_threads(CORES)
    report, service = _measure(arguments.peers, arguments.posts)
    _write("speed.json", json.dumps(report, indent=1))
    _write("service.json", json.dumps(service))
    draw_speed(report, DOCS / "speed.svg")
    fill(DOCS / "performance.md", "speed", speed_block(report))
    print(json.dumps(report, indent=1))


def _measure(peers: Path, posts: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The comparison, and what the simulation of queues needs."""
    rows = real_length_posts(posts)
    some = spread(rows, min(_SINGLES, posts))
    part, encoder = transformer()
    windows = windows_of(encoder, rows)
    some_windows = spread(windows, len(some))
    others = published(peers, encoder, rows, len(some))
    with onnx_fp32(part, encoder, windows, some_windows) as graph:
        here = {
            "mingbian": mingbian(rows, some, tokens_a_post(windows)),
            "a_pipeline_bert_base_fp32": pipeline(rows, some),
            "b_torch_fp32": torch_fp32(encoder, windows, some_windows),
            "c_onnx_fp32": graph,
        }
        speeds = in_turns(list(here.values()))
    systems = {name: asdict(speed) for name, speed in zip(here, speeds, strict=True)}
    systems |= others["systems"]
    about = conditions(len(rows))
    served = api()
    report = {
        **about,
        "peers": others["versions"],
        "characters_a_post": round(float(np.mean([len(content(post)) for post in rows])), 1),
        "systems": systems,
        "ratios": _ratios(systems),
        "share_of_int8_peak": shares_of_peak([ids for post in some_windows for ids in post]),
        "server": served,
    }
    api_ms = {"api_core_ms": served["core_ms_a_post"]}
    return report, {**conditions(_SERVED), **api_ms, **service_times(real_length_posts(_SERVED))}


def _ratios(systems: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Ours over each: posts a second in batches, and the median latency of one post."""
    ours = systems["mingbian"]
    return {
        name: {
            field: round(ours[field] / found[field], 4) for field in ("posts_per_second", "p50_ms")
        }
        for name, found in systems.items()
        if found is not ours
    }


def _write(name: str, text: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
