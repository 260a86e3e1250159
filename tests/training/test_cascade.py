"""A first stage keeps its risk, and is fitted on rows that it is not measured on."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from classifiers.bundle import default_model_folder, read_bundle
from classifiers.scorer import load_scorer
from labels.dataset import unseen_writers_folder
from labels.results import ScoringStage
from labels.taxonomy import Category
from policy.pack import default_pack_path, load_pack
from training.cascade import (
    RISKS,
    Part,
    TooFewFlaggedError,
    bound,
    fit_cascade,
    places_of,
    write_cascade,
)
from training.lessons import Lessons, corpus_lessons
from training.release.cascade import lost


@pytest.mark.parametrize("rows", [99, 100, 198, 199, 1_000])
def test_the_bound_is_the_highest_that_keeps_the_risk(rows: int) -> None:
    """Conformal risk control: n / (n + 1) of the loss seen, and 1 / (n + 1) for the next row."""
    expects = np.random.default_rng(rows).permutation(rows) / rows
    at = bound(expects, 0.01)
    assert at is not None
    higher = np.sort(expects)[np.searchsorted(np.sort(expects), at) + 1]

    def risk(limit: float) -> float:
        return float(rows / (rows + 1) * (expects < limit).mean() + 1 / (rows + 1))

    assert risk(at) <= 0.01 < risk(higher)


def test_too_few_rows_give_no_bound() -> None:
    """98 rows without a loss still leave more than one percent open."""
    assert bound(np.ones(98), 0.01) is None
    assert bound(np.ones(99), 0.01) == 1


def test_new_rows_are_lost_as_rarely_as_was_said() -> None:
    """On average over many calibrations; a bound that ignored their size would lose more."""
    rng = np.random.default_rng(5)
    shares = []
    for _ in range(400):
        at = bound(rng.normal(size=150), 0.05)
        assert at is not None
        shares.append((1 + math.erf(at / math.sqrt(2))) / 2)
    assert 0.03 < np.mean(shares) <= 0.05


def test_parts_of_rows_share_no_group() -> None:
    """And a group's part does not depend on which other groups there are."""
    groups = [f"g{number % 300}" for number in range(900)]
    parts = {part: places_of(groups, part) for part in Part}
    assert sorted(place for places in parts.values() for place in places) == list(range(900))
    names = [{groups[place] for place in places} for places in parts.values()]
    assert not names[0] & names[1]
    assert min(map(len, names)) > 60
    assert {groups[place] for place in parts[Part.BOUNDED]} >= {
        groups[:30][place] for place in places_of(groups[:30], Part.BOUNDED)
    }


def test_a_share_that_was_never_seen_has_an_interval() -> None:
    """None of 300 lost may still be more than one percent."""
    found = lost(np.ones(300, dtype=bool), np.zeros(300, dtype=bool))
    assert (found["flagged"], found["cleared"]) == (300, 0)
    assert found["interval"] == [0, pytest.approx(0.0122, abs=1e-4)]
    assert lost(np.zeros(3, dtype=bool), np.ones(3, dtype=bool))["interval"] is None


@pytest.fixture(scope="module")
def strangers() -> Lessons:
    """Posts by writers from whom the model did not learn."""
    return corpus_lessons(unseen_writers_folder())


def test_a_bundle_gets_a_first_stage(tmp_path: Path, strangers: Lessons) -> None:
    """Its bounds are those of a looser risk here, for want of rows."""
    folder = Path(shutil.copytree(default_model_folder(), tmp_path / "model"))
    before, pack = read_bundle(folder), load_pack(default_pack_path()).pack
    with pytest.raises(TooFewFlaggedError, match="rows are flagged for impersonation"):
        fit_cascade(folder, strangers.at(range(40)), pack)
    fitted = fit_cascade(folder, strangers, pack, risks=dict.fromkeys(RISKS, 0.2))
    write_cascade(folder, fitted)
    after = read_bundle(folder)
    assert after.sha256 != before.sha256
    assert after.manifest.cascade == fitted.cascade
    assert set(fitted.cascade.clears) == set(Category)
    scored = load_scorer(folder, threads=1, cascade=True).score(strangers.posts[:20])
    assert {each.stage for each in scored} == {ScoringStage.FIRST, ScoringStage.FULL}
