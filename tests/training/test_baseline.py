"""The linear baseline is trained, measured on unseen rows, and exported without loss."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers.bundle import NgramPart, read_bundle
from classifiers.ngram_model import NgramModel
from classifiers.rendering import content
from classifiers.scorer import load_scorer
from labels.dataset import corpus_folder, load_corpus, posts
from labels.taxonomy import Category
from labels.yamlfile import read_yaml
from tests.conftest import Run
from training.config import NgramConfig, TransformerConfig
from training.evaluate import grouped_folds, metrics
from training.ngram import fit, logits, targets
from training.ngram_export import export_ngram
from training.retrain import RetrainConfig

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "training" / "ngram.yaml"


def small_corpus(folder: Path, writers: int = 2, every: int = 5) -> Path:
    """Rows of the corpus, dealt to a few writers so that each knows every head."""
    corpus = load_corpus(corpus_folder())
    lines = corpus["post"][::every]
    folder.mkdir()
    for writer in range(writers):
        part = "\n".join(lines[writer::writers]) + "\n"
        (folder / f"w{writer}.jsonl").write_text(part, encoding="utf-8")
    return folder


def test_training_writes_a_bundle_that_scores(tmp_path: Path, call: Run) -> None:
    """From corpus to bundle with one command; figures come from rows it did not learn."""
    folder = small_corpus(tmp_path / "corpus", every=10)
    quick = CONFIG.read_text(encoding="utf-8").replace("folds: 5", "folds: 2")
    (tmp_path / "quick.yaml").write_text(quick, encoding="utf-8")
    arguments = ["--config", "quick.yaml", "--corpus", str(folder), "--out", "model"]
    done = call("train", "baseline", *arguments)
    assert done.returncode == 0, done.stderr
    bundle = read_bundle(tmp_path / "model")
    found = bundle.manifest.metrics["held_out_groups"]
    assert 0.4 < found["macro_average_precision"] < 0.95
    assert bundle.manifest.sources[0].rows == len(posts(load_corpus(folder)))
    rows = posts(load_corpus(folder))[:50]
    again = load_scorer(tmp_path / "model", threads=1).score(rows)
    assert np.mean([max(s.heads[c] for c in Category) > 0.5 for s in again]) > 0.1


def test_eight_bits_move_no_log_odds_far(tmp_path: Path) -> None:
    """The exported graph says of short posts what the model it came from says."""
    rows = posts(load_corpus(corpus_folder()))[::25]
    config = read_yaml(CONFIG, NgramConfig)
    marks = targets(rows, list(Category)).astype(np.float64)
    model = fit(rows, marks, config, jobs=1)
    export_ngram(tmp_path, model, config, NgramPart(kind="ngram", weight=1.0))
    spans = {post.data_id: config.windows.over(content(post)) for post in rows}
    short = [post for post in rows if len(spans[post.data_id]) == 1]
    reader = NgramModel(tmp_path, config.windows, len(Category))
    read = np.array([reader.read(post)[0] for post in short])
    assert np.abs(read - logits(model, short, config)).max() < 0.1
    for post in rows:
        assert reader.read(post).shape == (len(spans[post.data_id]), len(Category))


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


def test_a_bad_configuration_is_told_by_line(tmp_path: Path, call: Run) -> None:
    """Before anything is trained."""
    text = CONFIG.read_text(encoding="utf-8").replace("folds: 5", "folds: 1")
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    done = call("train", "baseline", "--config", "bad.yaml", "--out", "model")
    assert done.returncode == 2
    assert "folds: Input should be greater than or equal to 2" in done.stderr


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"expert_weight_by_head": {"distorsion": 0.5}}, "names \\['distorsion'\\]; heads are"),
        ({"expert_weight": 1.0}, "one part alone has every head"),
    ],
)
def test_shares_by_head_that_cannot_be_are_told(changes: dict[str, Any], told: str) -> None:
    """A misspelt head would otherwise keep the common share in silence."""
    shipped = read_yaml(CONFIG.with_name("transformer.yaml"), TransformerConfig).model_dump()
    with pytest.raises(ValueError, match=told):
        TransformerConfig.model_validate({**shipped, **changes})


def test_shipped_configurations_load() -> None:
    """Every file in configs/training is one that the project reads."""
    assert read_yaml(CONFIG, NgramConfig).id
    transformer = read_yaml(CONFIG.with_name("transformer.yaml"), TransformerConfig)
    assert CONFIG.with_name(transformer.expert).exists()
    again = read_yaml(CONFIG.parents[1] / "retrain.yaml", RetrainConfig)
    assert again.training == "training/retrain.yaml"
    retraining = read_yaml(CONFIG.with_name("retrain.yaml"), TransformerConfig)
    assert retraining.encoder == transformer.encoder
    compressing = read_yaml(CONFIG.with_name("compress.yaml"), TransformerConfig)
    fewer = transformer.encoder.model_copy(update={"attention_heads": 10, "feed_forward": 512})
    assert compressing.encoder == fewer
    assert compressing.teacher_share > 0
    assert {path.name for path in CONFIG.parent.iterdir()} == {
        "ngram.yaml", "transformer.yaml", "retrain.yaml", "compress.yaml",
    }  # fmt: skip
