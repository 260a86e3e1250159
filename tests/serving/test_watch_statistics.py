"""What a watch report says of chance is right: against scipy, published figures and simulation."""

from collections import Counter
from datetime import date, timedelta
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from labels.taxonomy import taxonomy
from serving.intervals import wilson
from serving.watch.collect import Seen
from serving.watch.counts import beta_binomial_tail, clipped, too_many, variation
from serving.watch.limits import SurgeLimits
from serving.watch.periods import Period
from serving.watch.sample import AccountSample
from serving.watch.surges import surges
from serving.watch.two_samples import holm, kolmogorov_smirnov, shares, told_apart


@pytest.mark.parametrize(
    ("n", "m", "by"), [(1, 1, 0.0), (7, 12, 0.0), (60, 45, 0.3), (200, 150, 0.4)]
)
def test_kolmogorov_smirnov_is_scipys_exact_one(n: int, m: int, by: float) -> None:
    """Statistic and p-value, of samples of different sizes."""
    random = np.random.default_rng(n)
    now, before = random.normal(size=n), random.normal(by, 1, size=m)
    found, known = kolmogorov_smirnov(now, before), stats.ks_2samp(now, before, method="exact")
    assert found.statistic == pytest.approx(known.statistic)
    assert found.p_value == pytest.approx(known.pvalue, rel=1e-9)


def test_kolmogorov_smirnov_with_ties_counts_every_order() -> None:
    """Lengths and scores repeat; scipy's exact p-value holds without ties alone."""
    now, before = np.array([1, 1, 2, 3, 3, 4]), np.array([1, 2, 2, 2, 5])
    pooled = np.concatenate([now, before])
    found = kolmogorov_smirnov(now, before)
    apart = []
    for chosen in combinations(range(len(pooled)), len(now)):
        rest = np.delete(pooled, chosen)
        apart.append(stats.ks_2samp(pooled[list(chosen)], rest, method="asymp").statistic)
    as_far = np.mean(np.array(apart) >= found.statistic - 1e-12)
    assert found.p_value == pytest.approx(as_far)


def test_shares_are_pearsons_and_their_p_value_is_fishers_kind() -> None:
    """The statistic is scipy's; the p-value that of every table with the same margins."""
    now, before = {"a": 9, "b": 3}, {"a": 4, "b": 10}
    found = shares(now, before, np.random.default_rng(0))
    table = [[9, 3], [4, 10]]
    assert found.statistic == pytest.approx(stats.chi2_contingency(table, correction=False)[0])
    tables = stats.hypergeom(26, 13, 12)
    chances = {
        a: tables.pmf(a)
        for a in range(13)
        if stats.chi2_contingency([[a, 12 - a], [13 - a, 1 + a]], correction=False)[0]
        >= found.statistic - 1e-9
    }
    assert found.p_value == pytest.approx(sum(chances.values()), abs=0.006)
    assert found.shift == pytest.approx(abs(9 / 12 - 4 / 14))
    assert shares({"a": 5}, {"a": 9}, np.random.default_rng(0)).p_value == 1.0


def test_rows_are_foretold_by_the_others_alone() -> None:
    """The closed form is what refitting without each row gives."""
    random = np.random.default_rng(3)
    now, before = random.normal(size=(12, 3)), random.normal(0.7, 1, size=(20, 3))
    rows = np.concatenate([now, before])
    centred = rows - rows.mean(axis=0)
    labels = np.repeat([1 / 12, -1 / 20], [12, 20])
    foretold = []
    for left_out in range(32):
        kept = np.delete(np.arange(32), left_out)
        design = np.column_stack([np.ones(31), centred[kept]])
        penalty = np.diag([0.0, 1.0, 1.0, 1.0])
        fit = np.linalg.solve(design.T @ design + penalty, design.T @ labels[kept])
        foretold.append(fit @ [1.0, *centred[left_out]])
    told = np.array(foretold)
    border = (told[:12].mean() + told[12:].mean()) / 2
    rightly = ((told[:12] > border).mean() + (told[12:] < border).mean()) / 2
    assert told_apart(now, before, random).statistic == pytest.approx(rightly, abs=1e-5)


def test_p_values_are_as_small_as_they_say_and_find_what_changed() -> None:
    """Under no change at most 5 % are below 5 %, within three deviations; a change is seen."""
    random = np.random.default_rng(20250729)
    small: Counter[str] = Counter()
    runs = 200
    for _ in range(runs):
        rows = random.normal(size=(2, 50, 8))
        small["ks"] += kolmogorov_smirnov(*rows[:, :, 0]).p_value <= 0.05
        counts = random.multinomial(50, [0.5, 0.3, 0.2], size=2)
        named = [dict(zip("abc", row.tolist(), strict=True)) for row in counts]
        small["shares"] += shares(named[0], named[1], random).p_value <= 0.05
        small["words"] += told_apart(*rows, random).p_value <= 0.05
    limit = 0.05 * runs + 3 * (0.05 * 0.95 * runs) ** 0.5
    assert all(0 < small[name] <= limit for name in ("ks", "shares", "words")), small
    moved = random.normal(size=(2, 50, 8)) + np.array([0.0, 1.2])[:, None, None]
    assert kolmogorov_smirnov(*moved[:, :, 0]).p_value < 0.001
    assert told_apart(*moved, random).p_value < 0.001
    assert shares({"a": 40, "b": 10}, {"a": 15, "b": 35}, random).p_value < 0.001


def test_holm_and_wilson_give_the_published_figures() -> None:
    """R's p.adjust; Newcombe (1998), table I."""
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.04, 0.001, 0.9]) == pytest.approx([0.08, 0.003, 0.9])
    assert holm([]) == []
    for part, whole, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(part, whole) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("at_least", "trials", "a", "b"),
    [
        (3, 10, 2.0, 5.0),
        (0, 4, 1.0, 1.0),
        (4, 4, 1.0, 1.0),
        (60, 400, 4.0, 112.0),
        (9, 90, 50, 1400),
    ],
)
def test_the_tail_is_scipys(at_least: int, trials: int, a: float, b: float) -> None:
    """Of the beta-binomial distribution."""
    known = stats.betabinom.sf(at_least - 1, trials, a, b)
    assert beta_binomial_tail(at_least, trials, a, b) == pytest.approx(known, rel=1e-6)


def test_without_variation_it_is_the_test_of_two_poisson_rates() -> None:
    """Przyborowski and Wilenski's: a day's part of what it and its past hold together."""
    past = [3] * 28
    known = stats.binomtest(15, 15 + 84, 1 / 29, alternative="greater").pvalue
    assert too_many(15, past, 1e-7) == pytest.approx(known, rel=1e-3)


def test_a_past_outbreak_does_not_hide_the_next() -> None:
    """It is cut off, and ordinary days stay as they are."""
    past = np.array([[4, 6, 5, 3, 500, 480, 5, 4, 6, 5, 4, 3, 5, 6]])
    assert clipped(past).max() < 25
    assert np.array_equal(np.sort(clipped(past))[0, :12], np.sort(past)[0, :12])
    assert variation(clipped(past)) < 1


_NOW = Period(first=date(2026, 11, 22), last=date(2026, 11, 28))
_BEFORE = Period(first=date(2026, 10, 25), last=date(2026, 11, 21))


def _seen(counts: np.ndarray, period: Period, clauses: list[str]) -> Seen:
    seen = Seen(period, AccountSample(1, "a"), AccountSample(1, "b"))
    for n in range(period.days):
        day = period.first + timedelta(days=n)
        seen.suggestions[day, "review"] = 1
        for clause, row in zip(clauses, counts, strict=True):
            seen.raised[clause, day] = int(row[n])
    return seen


def test_no_clause_surges_by_chance_and_one_that_does_is_seen() -> None:
    """Whether days differ by chance alone or by half as much again; thrice the accounts are seen.

    A false alarm is allowed in a report of a hundred; of 60 a few may have one.
    """
    random = np.random.default_rng(7)
    clauses = list(taxonomy().clauses)
    means = np.geomspace(0.3, 200, len(clauses))
    limits = SurgeLimits()
    for varies in (0.0, 0.05, 0.25):
        alarms = 0
        runs = 60
        for _ in range(runs):
            days = random.gamma(1 / varies, varies, (24, 35)) if varies else np.ones((24, 35))
            counts = random.poisson(means[:, None] * days)
            found = surges(
                _seen(counts[:, 28:], _NOW, clauses),
                _seen(counts[:, :28], _BEFORE, clauses),
                limits,
            )
            assert found is not None
            alarms += any(each.alarm for each in found)
        assert alarms <= 3, (varies, alarms)
    counts = random.poisson(means[:, None], (24, 35))
    counts[16, 30] = 3 * means[16]
    found = surges(
        _seen(counts[:, 28:], _NOW, clauses), _seen(counts[:, :28], _BEFORE, clauses), limits
    )
    assert found
    assert [(s.clause, s.day) for s in found if s.alarm] == [(clauses[16], date(2026, 11, 24))]


def test_accounts_are_drawn_alike_whatever_comes_first() -> None:
    """The draw is of accounts, bounded, and the same for the same stream in any order."""
    names = [f"u{n}" for n in range(500)]
    drawn = []
    for order in (names, names[::-1]):
        sample = AccountSample[str](20, "salt")
        for name in order:
            if sample.wants(name):
                sample.add(name, name)
        drawn.append(sample.values)
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 20
    other = AccountSample[str](20, "another")
    for name in names:
        if other.wants(name):
            other.add(name, name)
    assert other.values != drawn[0]
