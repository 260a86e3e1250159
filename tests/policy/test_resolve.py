"""Statistics become thresholds, and scores hold at the population's rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.cases import LabelFacts, Strikes
from labels.operating import Operating, OperatingPoint
from labels.results import HeadScores
from labels.taxonomy import MACHINE_WRITTEN, Category, taxonomy
from policy.cases import one
from policy.judge import judge
from policy.pack import MachineWritten, default_pack_path, load_pack
from policy.resolve import Levels, resolve
from policy.statistics import moved, shift, threshold

PACK = load_pack(default_pack_path()).pack
#: threshold, recall, fpr, worst genre
CURVE = Operating(
    rate=0.5,
    points=tuple(
        OperatingPoint(threshold=at, recall=recall, fpr=fpr, worst_genre_fpr=worst)
        for at, recall, fpr, worst in (
            (0.1, 1.0, 0.4, 0.9),
            (0.3, 0.95, 0.05, 0.2),
            (0.5, 0.8, 0.004, 0.02),
            (0.7, 0.5, 0.0002, 0.001),
            (0.9, 0.0, 0.0001, 0.0),
        )
    ),
)


@pytest.mark.parametrize(
    ("asked", "at"),
    [
        ("recall >= 0.9", 0.3),
        ("recall >= 0.50", 0.7),
        ("fpr <= 0.01", 0.5),
        ("worst_genre_fpr <= 0.01", 0.7),
        ("precision >= 0.9", 0.3),
        ("precision >= 0.999", 0.7),
        ("precision >= 0.99", 0.5),
        ("recall >= 0.9 and fpr <= 0.1", 0.3),
        ("recall >= 0.9 and fpr <= 0.001", None),
        ("fpr <= 0.00001", None),
        (0.35, 0.35),
        (None, None),
    ],
)
def test_a_statistic_finds_its_threshold(asked: str | float | None, at: float | None) -> None:
    """The one that catches most within the limits; off where none is within them."""
    assert threshold(asked, CURVE, 0.5) == (None if at is None else pytest.approx(at))


def test_precision_is_that_of_the_population() -> None:
    """What is right 19 times in 20 among many violations is mostly wrong among few."""
    assert threshold("precision >= 0.95", CURVE, 0.5) == pytest.approx(0.3)
    at = threshold("precision >= 0.95", CURVE, 0.01)
    assert at == pytest.approx(moved(0.7, shift(0.5, 0.01)))
    assert threshold("precision >= 0.95", CURVE, 0.0001) is None


def test_a_level_out_of_reach_is_off_and_told() -> None:
    """Nothing else changes."""
    weak = Operating(rate=0.5, points=CURVE.points[:2])
    policy = resolve(PACK, {**dict.fromkeys(Category, CURVE), Category.DISTORTION: weak})
    assert policy.levels[Category.DISTORTION].act is None
    assert "level_off=distortion.act" in policy.warnings
    assert not any("impersonation" in warning for warning in policy.warnings)


def test_a_machine_written_level_needs_a_head_that_knows() -> None:
    """Off, and told, with a model that has none."""
    pack = PACK.model_copy(
        update={"machine_written": MachineWritten(prompt="worst_genre_fpr <= 0.01")}
    )
    without = resolve(pack, dict.fromkeys(Category, CURVE))
    assert without.machine_prompt is None
    assert "level_off=machine_written.prompt" in without.warnings
    with_head = resolve(pack, {**dict.fromkeys(Category, CURVE), MACHINE_WRITTEN: CURVE})
    assert with_head.machine_prompt == pytest.approx(0.7)


def test_scores_hold_at_the_population_rate() -> None:
    """Categories and their clauses are moved, protected classes are not."""
    policy = resolve(PACK, dict.fromkeys(Category, CURVE))
    scores = HeadScores(dict.fromkeys(taxonomy().heads, 0.5), None, 1.0)
    ruling = judge(one(scores, LabelFacts(), Strikes(), None), policy)
    rate = PACK.population_rate.impersonation
    assert ruling.scores[0, 0] == ruling.clauses[0, 0] == pytest.approx(rate)
    assert ruling.protected.all()


@given(st.floats(0, 1), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_a_move_keeps_order_and_range(score: float, learned: float, rate: float) -> None:
    """Certainty stays certainty, and what was even holds at the rate."""
    by = shift(learned, rate)
    assert 0 <= moved(score, by) <= 1
    assert moved(learned, by) == pytest.approx(rate)
    assert (moved(0.0, by), moved(1.0, by)) == (0, 1)


def test_a_milder_level_begins_no_later_than_a_harsher_one() -> None:
    """Where precision is reached below the review limit, review begins there too."""
    levels = Levels.of(prompt=0.6, review=0.7, act=0.5)
    assert levels == Levels(0.5, 0.5, 0.5)
