"""The queue of benchmarks/scale.py against what is known in closed form, and its page."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.page import fill
from benchmarks.queueing import (
    arrivals_of_a_day,
    daily_curve,
    erlang_b,
    erlang_c,
    mean_wait,
    poisson,
    simulate,
)

COUNT = 200_000
MEAN = 10.0


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20250729)


def test_formulas_give_values_that_tables_print() -> None:
    """Two and ten servers; M/M/1 waits as often as its server is busy."""
    assert erlang_b(2, 1.0) == pytest.approx(0.2)
    assert erlang_b(10, 5.0) == pytest.approx(0.018385, abs=1e-6)
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)


@pytest.mark.parametrize("cores", [1, 2, 8])
def test_exponential_service_waits_as_erlang_says(rng: np.random.Generator, cores: int) -> None:
    """M/M/c: the share that waits, the mean wait and its tail."""
    load = 0.7 * cores
    moments = poisson(load / MEAN, COUNT, rng)
    served = simulate(moments, rng.exponential(MEAN, COUNT), cores=cores)
    waiting = erlang_c(cores, load)
    assert (served.waits > 0).mean() == pytest.approx(waiting, rel=0.03)
    assert served.mean == pytest.approx(mean_wait(cores, load, MEAN, 1.0), rel=0.06)
    p99 = np.log(waiting / 0.01) * MEAN / (cores - load)
    assert served.percentile(99) == pytest.approx(p99, rel=0.08)
    assert served.refused == 0


@pytest.mark.parametrize("cores", [1, 4])
def test_other_service_waits_as_allen_and_cunneen_say(rng: np.random.Generator, cores: int) -> None:
    """Constant (half the wait) and log-normal service: exact for one core, near it for more."""
    load = 0.8 * cores
    log_normal = rng.lognormal(0, 0.8, COUNT)
    for drawn in (np.full(COUNT, MEAN), log_normal * MEAN / log_normal.mean()):
        moments = poisson(load / MEAN, COUNT, rng)
        served = simulate(moments, drawn, cores=cores)
        scv = float(drawn.var()) / MEAN**2
        assert served.mean == pytest.approx(mean_wait(cores, load, MEAN, scv), rel=0.1)


def test_without_room_to_wait_erlang_b_is_refused(rng: np.random.Generator) -> None:
    """For any distribution of service; who is let in does not wait."""
    for drawn in (rng.exponential(MEAN, COUNT), np.full(COUNT, MEAN)):
        served = simulate(poisson(4 / MEAN, COUNT, rng), drawn, cores=4, room=4)
        assert served.refused == pytest.approx(erlang_b(4, 4.0), rel=0.03)
        assert served.percentile(100) == 0


def test_a_bound_keeps_waits_short_under_overload(rng: np.random.Generator) -> None:
    """At three times the capacity two of three are refused, and nobody waits for over five."""
    drawn = np.full(COUNT, MEAN)
    served = simulate(poisson(3 * 2 / MEAN, COUNT, rng), drawn, cores=2, room=12)
    assert served.refused == pytest.approx(2 / 3, rel=0.01)
    assert served.percentile(100) <= 5 * MEAN


@pytest.mark.parametrize("peak", [1.0, 2.0, 5.0])
def test_a_day_has_its_mean_and_its_peak(rng: np.random.Generator, peak: float) -> None:
    """And arrivals follow it: the busiest hour has its share of them."""
    curve = daily_curve(peak)
    assert curve.mean() == pytest.approx(1)
    assert curve.max() == pytest.approx(peak, rel=1e-3)
    moments = arrivals_of_a_day(curve, 24.0, COUNT, rng)
    hour = (abs(moments - 12) < 0.5).mean()
    assert hour == pytest.approx(curve[690:750].sum() / curve.sum(), rel=0.03)
    assert (np.diff(moments) >= 0).all()


def test_a_peak_below_the_mean_is_refused() -> None:
    """The error names what was given."""
    with pytest.raises(ValueError, match=r"peak 0\.5"):
        daily_curve(0.5)


def test_a_block_is_written_where_the_page_has_room_for_it(tmp_path: Path) -> None:
    """What stands around it stays; a page without the place is refused."""
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- scale -->\nold\n<!-- /scale -->\nb\n", encoding="utf-8")
    fill(page, "scale", r"new \1")
    assert page.read_text(encoding="utf-8") == "a\n<!-- scale -->\nnew \\1\n<!-- /scale -->\nb\n"
    with pytest.raises(ValueError, match="speed"):
        fill(page, "speed", "new")
