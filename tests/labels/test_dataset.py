"""The corpus loads whole, and its splits keep together what belongs together."""

import json
from pathlib import Path

import pytest

from labels.dataset import corpus_folder, data_card, load_corpus, posts, split_group
from labels.errors import CorpusError

ROW = {
    "data_id": "x-001",
    "text": "今天下雨",
    "labels": [],
    "clauses": [],
    "protected": [],
    "evidence": [],
    "severity": 0,
    "note": "",
}


def written(folder: Path, *rows: dict[str, object]) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "writer.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_the_shipped_corpus_is_valid_and_counted() -> None:
    """Every row passes its schema; the card's counts add up."""
    corpus = load_corpus(corpus_folder())
    card = data_card(corpus)
    assert card["rows"] == len(corpus) == len(posts(corpus)) >= 5309
    assert card["violations"] + card["clean"] == card["rows"]
    assert sum(card["writers"].values()) == card["rows"]
    assert all(card["clauses"].values())
    assert all(card["protected"].values())


def test_contrast_pairs_share_a_group() -> None:
    """No model is tested on one side of a pair after learning the other."""
    corpus = load_corpus(corpus_folder())
    group = {p.data_id: g for p, g in zip(posts(corpus), corpus["group"], strict=True)}
    pairs = [a for a in group if a.endswith("-a")]
    assert len(pairs) >= 1000
    assert all(group[a] == group[a[:-1] + "b"] for a in pairs)


def test_neighbouring_ids_share_a_group_and_writers_never_do() -> None:
    """Writers return to a theme within a few rows."""
    assert split_group("w", "tr-imp-0410") == split_group("w", "tr-imp-0419-b")
    assert split_group("w", "tr-imp-0410") != split_group("w", "tr-imp-0420")
    assert split_group("w", "tr-imp-0410") != split_group("v", "tr-imp-0410")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([ROW, ROW], "writer.jsonl:2: id x-001 is also at writer.jsonl:1"),
        ([ROW | {"evidence": ["晴天"]}], "writer.jsonl:1: evidence '晴天' is not in the post"),
        ([ROW, ROW | {"data_id": "x-002", "labels": ["nonsense"]}], "writer.jsonl:2"),
    ],
)
def test_faults_are_told_by_row(tmp_path: Path, rows: list[dict[str, object]], told: str) -> None:
    """A writer finds the row from the message."""
    with pytest.raises(CorpusError, match="faults") as caught:
        load_corpus(written(tmp_path, *rows))
    assert told in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """A mistyped path is not an empty corpus."""
    with pytest.raises(CorpusError, match=r"no \*\.jsonl"):
        load_corpus(tmp_path)
