"""The corpus is checked, its cues are found, and its size is judged."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from labels.dataset import corpus_folder, load_corpus, posts
from labels.errors import CorpusError
from labels.records import LabelledPost
from labels.yamlfile import read_yaml
from tests.conftest import Run
from training.agreement import SecondReading, agreement, read_readings
from training.corpus_check import Floors, near_duplicates, pair_faults, shortfalls, text_lengths
from training.cues import family_auc, telling_ngrams

ROOT = Path(__file__).parents[2]
FLOORS = read_yaml(ROOT / "configs" / "corpus.yaml", Floors)


def labelled(data_id: str, text: str, clause: str | None = None, **fields: Any) -> LabelledPost:
    marks = {"1": "impersonation", "2": "distortion"}
    row = {
        "data_id": data_id,
        "text": text,
        "labels": [marks[clause[0]]] if clause else [],
        "clauses": [clause] if clause else [],
        "protected": [],
        "evidence": [],
        "severity": 3 if clause else 0,
        "note": "",
    }
    return LabelledPost.model_validate_json(json.dumps(row | fields))


def test_the_shipped_corpus_passes_its_check(call: Run) -> None:
    """Counts, pairs and near-duplicates; the card is printed."""
    done = call("corpus", "check", "--config", str(ROOT / "configs" / "corpus.yaml"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] >= FLOORS.rows
    assert "0 faults" in done.stderr


def test_a_corpus_that_falls_short_exits_2(tmp_path: Path, call: Run) -> None:
    """Each shortfall is told with both numbers."""
    shutil.copy(corpus_folder() / "w2_neg.jsonl", tmp_path)
    config = str(ROOT / "configs" / "corpus.yaml")
    done = call("corpus", "check", "--config", config, "--corpus", str(tmp_path))
    assert done.returncode == 2
    assert f"of {FLOORS.rows}" in done.stderr
    assert "clauses: 1.1 has 0 rows" in done.stderr


def test_shortfalls_are_inclusive() -> None:
    """A floor that is just reached is reached."""
    card: dict[str, Any] = {
        "rows": FLOORS.rows,
        "pairs": FLOORS.contrast_pairs,
        "clauses": {"1.1": FLOORS.rows_per_clause},
        "protected": {"x": FLOORS.rows_per_protected_class},
        "platforms": {"weibo": int(FLOORS.platform_share * FLOORS.rows)},
    }
    assert list(shortfalls(card, FLOORS)) == []
    for key in ("rows", "pairs"):
        assert len(list(shortfalls(card | {key: card[key] - 1}, FLOORS))) >= 1
    for key in ("clauses", "protected"):
        less = {name: count - 1 for name, count in card[key].items()}
        assert len(list(shortfalls(card | {key: less}, FLOORS))) == 1
    assert list(shortfalls(card | {"platforms": {"weibo": FLOORS.rows}}, FLOORS))


@pytest.mark.parametrize(
    ("sides", "told"),
    [
        ([("p-1-a", "1.1"), ("p-1-b", None)], []),
        ([("p-1-a", "1.1"), ("p-1-b", "2.4")], []),
        ([("p-1-a", "1.1")], ["p-1: a side is missing"]),
        ([("p-1-a", None), ("p-1-b", None)], ["p-1: both sides carry ()"]),
    ],
)
def test_pairs_must_flip(sides: list[tuple[str, str | None]], told: list[str]) -> None:
    """A pair that does not contrast teaches nothing."""
    assert list(pair_faults([labelled(i, f"帖子{i}", clause) for i, clause in sides])) == told


def test_near_duplicates_are_found_across_groups_only() -> None:
    """A pair may be alike; two writers may not."""
    rows = [
        labelled("a", "今晚八点全城停水三天，请大家提前储水"),
        labelled("b", "今晚八点全城停水三天，请大家提前储水！"),
        labelled("c", "明早的菜市场鱼很新鲜，价格也不贵"),
    ]
    assert len(list(near_duplicates(rows, ["x", "y", "z"], 0.85))) == 1
    assert list(near_duplicates(rows, ["x", "x", "z"], 0.85)) == []


def test_a_planted_cue_is_found() -> None:
    """The audit sees a word and an account type that stand on one side only."""
    rows = posts(load_corpus(corpus_folder()))[::8]
    spoilt = [
        row.model_copy(
            update={
                "text": f"{row.text}喵呜" if row.labels else row.text,
                "platform": "weibo" if row.labels else "zhihu",
            }
        )
        for row in rows
    ]
    writers = [f"w{place % 5}" for place in range(len(rows))]
    assert family_auc(rows, writers)["platform"] < 0.6
    assert family_auc(spoilt, writers)["platform"] == 1.0
    assert "喵呜" in {found["ngram"] for found in telling_ngrams(spoilt, 20)}


def test_lengths_are_shares() -> None:
    """Every post falls into one band."""
    shares = text_lengths(posts(load_corpus(corpus_folder())))
    assert sum(shares.values()) == pytest.approx(1.0, abs=0.01)


def test_agreement_of_two_readers() -> None:
    """Kappa is 1 where they agree and near 0 where only chance does; silence has none."""
    same = [SecondReading(data_id=str(i), first=("1.1",), second=("1.1",)) for i in range(5)]
    clean = [SecondReading(data_id=f"c{i}", first=(), second=()) for i in range(5)]
    split = [
        SecondReading(data_id="x", first=("2.4",), second=()),
        SecondReading(data_id="y", first=(), second=("2.4",)),
    ]
    found = agreement([*same, *clean, *split])
    assert found["rows"] == 12
    assert found["agreement"]["1.1"] == {"first": 5, "second": 5, "both": 5, "kappa": 1.0}
    assert found["agreement"]["distortion"]["both"] == 0
    assert found["agreement"]["2.4"]["kappa"] < 0.1
    assert "4.6" not in found["agreement"]


def test_a_bad_reading_is_told_by_line(tmp_path: Path) -> None:
    """The record of the reading is data like any other."""
    path = tmp_path / "readings.jsonl"
    path.write_text('{"data_id":"a","first":[],"second":[]}\n{"data_id":1}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=r"readings\.jsonl:2"):
        read_readings(path)


def test_the_shipped_reading_covers_a_tenth(call: Run) -> None:
    """One row in ten was read twice, and every disagreement was settled."""
    readings = read_readings(corpus_folder() / "second_reading" / "readings.jsonl")
    clauses = {post.data_id: post.clauses for post in posts(load_corpus(corpus_folder()))}
    assert len(readings) >= 0.1 * len(clauses)
    for reading in readings:
        agreed = sorted(reading.first) == sorted(reading.second)
        settled = reading.first if agreed else reading.settled
        assert settled is not None
        assert sorted(clauses[reading.data_id]) == sorted(settled)
    assert json.loads(call("corpus", "agreement").stdout)["rows"] == len(readings)
