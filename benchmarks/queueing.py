"""A queue with several servers: simulated, and the closed forms it is checked against.

Posts arrive at random (Poisson), the first come is served first, each by one of ``cores`` cores
(M/G/c); at most ``room`` posts are inside, those being served included, and the rest is refused
(M/G/c/K). All times are in one unit, rates are per that unit.
"""

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_MINUTES = 24 * 60
#: among which that of a daily curve is looked for
_CONCENTRATIONS = np.linspace(0, 100, 10_001)


@dataclass(frozen=True)
class Served:
    """One simulation: the wait of each post, NaN where it was refused."""

    waits: Floats

    @property
    def refused(self) -> float:
        """Share."""
        return float(np.isnan(self.waits).mean())

    @property
    def mean(self) -> float:
        """Of the waits of those let in."""
        return float(np.nanmean(self.waits))

    def percentile(self, share: float) -> float:
        """Of the waits of those let in; ``share`` from 0 to 100."""
        return float(np.nanpercentile(self.waits, share))


def simulate(arrivals: Floats, services: Floats, *, cores: int, room: int | None = None) -> Served:
    """Follow each post through the queue.

    Args:
        arrivals: moments, ascending.
        services: how long each post takes a core, of the same shape.
        cores: >= 1.
        room: posts inside at most, >= cores; None for no bound.
    """
    free = [0.0] * cores  # when each core is free, the earliest first
    inside: list[float] = []  # when those inside leave
    waits = np.full(len(arrivals), np.nan)
    for place, (now, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        if room is not None:
            while inside and inside[0] <= now:
                heapq.heappop(inside)
            if len(inside) >= room:
                continue
        start = max(now, free[0])
        heapq.heapreplace(free, start + service)
        if room is not None:
            heapq.heappush(inside, start + service)
        waits[place] = start - now
    return Served(waits)


def poisson(rate: float, count: int, rng: np.random.Generator) -> Floats:
    """So many moments of arrivals at a constant rate."""
    return rng.exponential(1 / rate, count).cumsum()


def daily_curve(peak: float) -> Floats:
    """Shape (minutes of a day,): the rate as a multiple of its mean, ``peak`` times at most.

    One busy stretch a day, of the form ``exp(k cos)`` (von Mises).

    Args:
        peak: from 1 (even) to 25.

    Raises:
        ValueError: no curve of this form has such a peak.
    """
    peaks = np.exp(_CONCENTRATIONS) / np.i0(_CONCENTRATIONS)
    if not 1 <= peak <= peaks[-1]:
        raise ValueError(f"peak {peak}: give one from 1 to {peaks[-1]:.0f}")
    k = np.interp(peak, peaks, _CONCENTRATIONS)
    angle = 2 * np.pi * np.arange(_MINUTES) / _MINUTES
    curve = np.exp(-k * np.cos(angle))
    return np.asarray(curve / curve.mean())


def arrivals_of_a_day(curve: Floats, day: float, count: int, rng: np.random.Generator) -> Floats:
    """So many moments within ``day``, denser where the curve is higher.

    Given their number, moments of a Poisson process are independent draws from its rate.
    """
    bounds = np.concatenate([[0.0], curve.cumsum() / curve.sum()])
    draws = np.sort(rng.random(count))
    return np.interp(draws, bounds, np.linspace(0, day, len(bounds)))


def erlang_b(cores: int, load: float) -> float:
    """Share refused where nobody may wait (Erlang 1917), for any distribution of service.

    Args:
        cores: >= 1.
        load: rate times mean service, in cores.
    """
    refused = 1.0
    for busy in range(1, cores + 1):
        refused = load * refused / (busy + load * refused)
    return refused


def erlang_c(cores: int, load: float) -> float:
    """Share that waits in M/M/c (Erlang 1917); ``load`` < ``cores``."""
    refused = erlang_b(cores, load)
    return refused / (1 - (load / cores) * (1 - refused))


def mean_wait(cores: int, load: float, mean_service: float, scv: float) -> float:
    """Of M/G/c, approximately (Allen and Cunneen); exact for M/M/c and M/G/1.

    Args:
        cores: >= 1.
        load: rate times mean service, in cores, < ``cores``.
        mean_service: any unit, which the wait is in.
        scv: squared coefficient of variation of service: 1 if exponential, 0 if constant.
    """
    exponential = erlang_c(cores, load) * mean_service / (cores - load)
    return exponential * (1 + scv) / 2
