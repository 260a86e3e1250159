"""``mingbian train``."""

import json
from pathlib import Path
from typing import Any

import click

from labels.dataset import data_card, load_corpus, posts
from labels.taxonomy import Category, taxonomy
from labels.yamlfile import read_yaml
from training.config import NgramConfig
from training.evaluate import (
    calibrate,
    calibrated,
    grouped_folds,
    metrics,
    out_of_fold,
    threshold_table,
)
from training.export import check_bundle, write_bundle
from training.ngram import fit, targets
from training.options import config_option, corpus_option, jobs_option


@click.group()
def train() -> None:
    """Train a model and export it as a bundle."""


@train.command()
@config_option("configs/training/ngram.yaml")
@corpus_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@jobs_option
def baseline(config_path: Path, folder: Path, out: Path, jobs: int) -> None:
    """The linear character n-gram model: evaluated, calibrated, exported."""
    config = read_yaml(config_path, NgramConfig)
    corpus = load_corpus(folder)
    rows = posts(corpus)
    by_group = grouped_folds(corpus["group"], config.folds, config.seed)
    grouped, _ = out_of_fold(rows, by_group, config, jobs=jobs)
    by_writer = grouped_folds(corpus["writer"], config.folds, config.seed)
    whole, bare = out_of_fold(rows, by_writer, config, jobs=jobs)
    model = fit(rows, config, jobs=jobs)
    marks = targets(rows)
    calibration = calibrate(whole, marks)
    evaluation: dict[str, Any] = {
        "held_out_groups": metrics(rows, grouped),
        "unseen_writers": metrics(rows, whole),
        "unseen_writers_stripped": metrics(rows, bare),
    }
    click.echo(
        json.dumps({split: _summary(found) for split, found in evaluation.items()}, indent=1)
    )
    evaluation["thresholds"] = threshold_table(calibrated(whole, calibration), marks)
    card = data_card(corpus)
    write_bundle(out, model, calibration, config, _manifest(config, card, evaluation))
    check_bundle(out, rows, model, calibration, config)
    click.echo(f"wrote {out}")


def _summary(found: dict[str, Any]) -> dict[str, Any]:
    """The figures a person wants at a glance; all heads stand in the manifest."""
    categories = {category: found["average_precision"][category] for category in Category}
    return categories | {k: v for k, v in found.items() if k != "average_precision"}


def _manifest(
    config: NgramConfig, card: dict[str, Any], evaluation: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": config.id,
        "version": config.version,
        "kind": "ngram",
        "interim": True,
        "taxonomy": taxonomy().version,
        "heads": taxonomy().heads,
        "window_chars": config.window_chars,
        "overlap_chars": config.overlap_chars,
        "sources": [
            {
                "name": "labels/corpus",
                "rows": card["rows"],
                "licence": "CC-BY-4.0",
                "sha256": card["sha256"],
            }
        ],
        "licence": "CC-BY-4.0",
        "metrics": evaluation,
    }
