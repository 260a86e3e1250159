"""``mingbian corpus``: check, audit and curve of a labelled corpus."""

import json
import sys
from pathlib import Path

import click

from labels.dataset import data_card, load_corpus, posts
from labels.yamlfile import read_yaml
from training.agreement import agreement as compare
from training.agreement import read_readings
from training.config import NgramConfig
from training.corpus_check import Floors, near_duplicates, pair_faults, shortfalls, text_lengths
from training.cues import family_auc, telling_ngrams
from training.curve import learning_curve
from training.options import config_option, corpus_option, jobs_option


@click.group()
def corpus() -> None:
    """Look after the labelled posts."""


@corpus.command()
@config_option("configs/corpus.yaml")
@corpus_option
def check(config_path: Path, folder: Path) -> None:
    """Schema, evidence, pairs, near-duplicates and counts against their floors; exit 2 if short."""
    floors = read_yaml(config_path, Floors)
    loaded = load_corpus(folder)
    rows = posts(loaded)
    card = data_card(loaded) | {"text_characters": text_lengths(rows)}
    faults = [
        *shortfalls(card, floors),
        *pair_faults(rows),
        *near_duplicates(rows, loaded["group"], floors.near_duplicate_at),
    ]
    click.echo(json.dumps(card, ensure_ascii=False, indent=1))
    for fault in faults:
        click.echo(fault, err=True)
    click.echo(f"{len(rows)} rows, {len(faults)} faults", err=True)
    if faults:
        sys.exit(2)


@corpus.command()
@corpus_option
@click.option("--most", type=click.IntRange(1), default=40, show_default=True)
def audit(folder: Path, most: int) -> None:
    """Cues that give the label away: families on unseen writers, and single n-grams."""
    loaded = load_corpus(folder)
    rows = posts(loaded)
    found = {
        "auc_of_anything_wrong_from_one_family": family_auc(rows, loaded["writer"]),
        "most_one_sided_ngrams": telling_ngrams(rows, most),
    }
    click.echo(json.dumps(found, ensure_ascii=False, indent=1))


@corpus.command()
@config_option("configs/training/ngram.yaml")
@corpus_option
@jobs_option
def curve(config_path: Path, folder: Path, jobs: int) -> None:
    """Learning curve of the linear baseline on unseen writers."""
    config = read_yaml(config_path, NgramConfig)
    loaded = load_corpus(folder)
    points = learning_curve(posts(loaded), loaded["group"], loaded["writer"], config, jobs=jobs)
    click.echo(json.dumps(points, indent=1))


@corpus.command()
@corpus_option
def agreement(folder: Path) -> None:
    """Agreement of the blind second reading kept beside the corpus."""
    readings = read_readings(folder / "second_reading" / "readings.jsonl")
    click.echo(json.dumps(compare(readings), indent=1))
