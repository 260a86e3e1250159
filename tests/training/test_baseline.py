"""The linear baseline is trained, measured on unseen rows, and exported without loss."""

import json
from pathlib import Path

import numpy as np
import pytest

from classifiers.bundle import read_bundle
from classifiers.scorer import load_scorer
from labels.dataset import corpus_folder, load_corpus, posts
from labels.taxonomy import Category
from labels.yamlfile import read_yaml
from tests.conftest import Run
from training.config import NgramConfig
from training.evaluate import grouped_folds, metrics, threshold_table
from training.ngram import targets

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "training" / "ngram.yaml"


def small_corpus(folder: Path, writers: int = 2) -> Path:
    """Rows of the corpus, dealt to a few writers so that each knows every head."""
    corpus = load_corpus(corpus_folder())
    lines = corpus["post"][::5]
    folder.mkdir()
    for writer in range(writers):
        part = "\n".join(lines[writer::writers]) + "\n"
        (folder / f"w{writer}.jsonl").write_text(part, encoding="utf-8")
    return folder


def test_training_writes_a_bundle_that_scores(tmp_path: Path, run: Run) -> None:
    """From corpus to bundle with one command; figures come from rows it did not learn."""
    folder = small_corpus(tmp_path / "corpus")
    quick = CONFIG.read_text(encoding="utf-8").replace("folds: 5", "folds: 2")
    (tmp_path / "quick.yaml").write_text(quick, encoding="utf-8")
    arguments = ["--config", "quick.yaml", "--corpus", str(folder), "--out", "model"]
    done = run("train", "baseline", *arguments)
    assert done.returncode == 0, done.stderr
    bundle = read_bundle(tmp_path / "model")
    found = bundle.manifest.metrics["held_out_groups"]
    assert 0.4 < found["macro_average_precision"] < 0.95
    assert bundle.manifest.sources[0].rows == len(posts(load_corpus(folder)))
    rows = posts(load_corpus(folder))[:50]
    again = load_scorer(tmp_path / "model", threads=1).score(rows)
    assert np.mean([max(s.heads[c] for c in Category) > 0.5 for s in again]) > 0.1


def test_splits_keep_groups_and_writers_apart() -> None:
    """Nothing a model learned from is scored by it."""
    groups = ["a", "a", "b", "b", "c", "c"]
    held = []
    for train, test in grouped_folds(groups, folds=5, seed=1):
        held.append({groups[i] for i in test})
        assert not {groups[i] for i in train} & held[-1]
    assert sorted(map(sorted, held)) == [["a"], ["b"], ["c"]]


def test_metrics_of_a_perfect_and_a_reversed_scorer() -> None:
    """The figures move the right way."""
    rows = posts(load_corpus(corpus_folder()))[:800]
    marks = targets(rows).astype(float)
    best, worst = metrics(rows, marks), metrics(rows, -marks)
    assert best["macro_average_precision"] == best["auc_anything_wrong"] == 1.0
    assert best["pairs_ranked_right"] == 1.0
    assert worst["auc_anything_wrong"] <= 0.5
    assert worst["pairs_ranked_right"] == 0.0
    table = threshold_table(marks, marks.astype(bool))
    assert all(row["precision"] == row["recall"] == 1.0 for row in table[Category.DISTORTION])


def test_a_bad_configuration_is_told_by_line(tmp_path: Path, run: Run) -> None:
    """Before anything is trained."""
    text = CONFIG.read_text(encoding="utf-8").replace("folds: 5", "folds: 1")
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    done = run("train", "baseline", "--config", "bad.yaml", "--out", "model")
    assert done.returncode == 2
    assert "folds: Input should be greater than or equal to 2" in done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "training").glob("*.yaml")), ids=str)
def test_shipped_configurations_load(path: Path) -> None:
    """Every file in configs/ is one that the project reads."""
    assert read_yaml(path, NgramConfig).id


def test_the_card_tells_what_it_learned_from() -> None:
    """The shipped model names the corpus it was trained on by hash."""
    manifest = json.loads(
        (ROOT / "classifiers/models/ngram_interim_v0_1/manifest.json").read_text(encoding="utf-8")
    )
    assert manifest["sources"][0]["name"] == "labels/corpus"
