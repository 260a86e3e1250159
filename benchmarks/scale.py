"""Scale on paper: waits against cores and replicas, and the cost of a billion posts a day.

python benchmarks/scale.py [--peak 2] [--busy 0.7] [--price 0.04]

Reads the service times that speed.py measured (``benchmarks/results/service.json``), simulates
the server's queue with them, and writes ``scale.json`` beside them, and the picture and the
tables of docs/performance.md. Only service times are measured, all else is simulated or computed.
"""

import argparse
import json
import math
from typing import Any

import numpy as np
from page import DOCS, RESULTS, fill
from picture import draw_scale
from queueing import arrivals_of_a_day, daily_curve, mean_wait, poisson, simulate
from scale_block import scale_block

from serving.gate import Gate

_SEED = 20250729
_CORES = (2, 4, 8, 16, 32)
_UTILISATIONS = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.2)
_ARRIVALS = 200_000
#: where the simulation without a bound is held against the formula
_CHECKED_AT = 0.8
_PEAKS_BUSY = (0.6, 0.7, 0.8, 0.9)
_DAY_CORES = 4
#: a day is played in an hour: still far slower than any wait, and a twenty-fourth of the posts
_DAY_MS = 3_600_000
_MS_A_DAY = 24 * 3_600_000


def main() -> None:
    """Simulate, compute, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts-a-day", type=int, default=1_000_000_000)
    parser.add_argument("--peak", type=float, default=2.0, help="busiest minute over the mean")
    parser.add_argument("--busy", type=float, default=0.7, help="of the cores, in that minute")
    parser.add_argument("--price", type=float, default=0.04, help="of a core-hour, US dollars")
    arguments = parser.parse_args()
    measured = json.loads((RESULTS / "service.json").read_text(encoding="utf-8"))
    scorer = np.array(measured["scorer_ms"])
    services = scorer + _added_ms(measured)
    rng = np.random.default_rng(_SEED)
    report = {
        "measured": {key: measured[key] for key in ("date", "model", "machine", "posts")},
        "assumed": vars(arguments),
        "service": _service(scorer, services),
        "cores": {cores: _waits(services, cores, rng) for cores in _CORES},
        "checked_at": _CHECKED_AT,
        "check": {cores: _check(services, cores, rng) for cores in _CORES},
        "day_cores": _DAY_CORES,
        "day": [_day(services, busy, arguments.peak, rng) for busy in _PEAKS_BUSY],
        "cost": _cost(float(services.mean()), float(scorer.mean()), arguments),
    }
    (RESULTS / "scale.json").write_text(f"{json.dumps(report, indent=1)}\n", encoding="utf-8")
    draw_scale(report, DOCS / "scale.svg")
    block = scale_block(report)
    fill(DOCS / "performance.md", "scale", block)
    print(block)


def _added_ms(measured: dict[str, Any]) -> float:
    """What the server adds to every post alike: core time beside the scorer's."""
    added: float = measured["api_core_ms"] - measured["scorer_core_ms"]
    if added <= 0:
        raise ValueError(
            f"service.json: api_core_ms {measured['api_core_ms']} is not above scorer_core_ms "
            f"{measured['scorer_core_ms']}; run speed.py again on a machine that is idle"
        )
    return added


def _service(scorer: np.ndarray, services: np.ndarray) -> dict[str, float]:
    """Milliseconds; ``scv`` is the squared coefficient of variation.

    What the server adds is mostly Python, which one thread of a process runs at a time: a process
    with more than ``cores_a_process`` cores would keep that thread busier than the cores.
    """
    mean, added = float(services.mean()), float(services.mean() - scorer.mean())
    p50, p99 = np.percentile(services, [50, 99])
    return {
        "mean_ms": round(mean, 2),
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "scv": round(float(services.var()) / mean**2, 3),
        "scorer_mean_ms": round(float(scorer.mean()), 2),
        "cores_a_process": max(1, math.floor(mean / added)),
    }


def _waits(services: np.ndarray, cores: int, rng: np.random.Generator) -> list[dict[str, float]]:
    """Simulated, with the server's own bound."""
    found = []
    for utilisation in _UTILISATIONS:
        moments = poisson(utilisation * cores / services.mean(), _ARRIVALS, rng)
        drawn = rng.choice(services, _ARRIVALS)
        served = simulate(moments, drawn, cores=cores, room=_room(cores))
        waits = {f"p{share}_ms": round(served.percentile(share), 2) for share in (50, 99)}
        found.append({"utilisation": utilisation, **waits, "refused": round(served.refused, 5)})
    return found


def _check(services: np.ndarray, cores: int, rng: np.random.Generator) -> dict[str, float]:
    """Mean wait without a bound, simulated and by formula, milliseconds."""
    load, mean = _CHECKED_AT * cores, float(services.mean())
    moments = poisson(load / mean, _ARRIVALS, rng)
    served = simulate(moments, rng.choice(services, _ARRIVALS), cores=cores)
    formula = mean_wait(cores, load, mean, float(services.var()) / mean**2)
    return {"simulated_ms": round(served.mean, 3), "formula_ms": round(formula, 3)}


def _day(
    services: np.ndarray, busy: float, peak: float, rng: np.random.Generator
) -> dict[str, float]:
    """A day of one replica whose cores are this busy in the busiest minute."""
    curve = daily_curve(peak)
    count = round(busy * _DAY_CORES / services.mean() / peak * _DAY_MS)
    moments = arrivals_of_a_day(curve, _DAY_MS, count, rng)
    drawn = rng.choice(services, count)
    served = simulate(moments, drawn, cores=_DAY_CORES, room=_room(_DAY_CORES))
    middle = len(curve) // 2
    hour = abs(moments / _DAY_MS - middle / len(curve)) < 1 / 48  # the busiest
    return {
        "busy_at_peak": busy,
        "busy_mean": round(busy / peak, 3),
        "p50_ms": round(served.percentile(50), 2),
        "p99_ms": round(served.percentile(99), 2),
        "busiest_hour_p99_ms": round(float(np.nanpercentile(served.waits[hour], 99)), 2),
        "refused": round(served.refused, 5),
    }


def _room(threads: int) -> int:
    """How many single posts the server lets in, counted at its gate."""
    gate = Gate(threads)
    return sum(1 for _ in iter(lambda: gate.enter("1"), None))


def _cost(api_ms: float, scorer_ms: float, assumed: argparse.Namespace) -> dict[str, Any]:
    """Cores and core-hours: through the API at its peak, and offline at an even pace."""
    posts = assumed.posts_a_day
    peak_cores = posts / _MS_A_DAY * assumed.peak * api_ms / assumed.busy
    even_cores = posts / _MS_A_DAY * scorer_ms
    return {
        "api": _row(api_ms, math.ceil(peak_cores), posts, assumed.price),
        "offline": _row(scorer_ms, math.ceil(even_cores), posts, assumed.price),
    }


def _row(core_ms: float, cores: int, posts: int, price: float) -> dict[str, float]:
    hours = 24 * cores
    return {
        "core_ms_a_post": round(core_ms, 2),
        "posts_a_day_a_core": round(_MS_A_DAY / core_ms),
        "cores": cores,
        "core_hours_a_day": hours,
        "price_a_day": round(hours * price, 2),
        "price_a_million": round(hours * price / posts * 1e6, 4),
    }


if __name__ == "__main__":
    main()
