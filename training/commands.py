"""``mingbian train``."""

import json
import shutil
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import click

from classifiers.bundle import Lineage, NgramPart, read_bundle, read_manifest
from labels.dataset import load_corpus, posts
from labels.records import LabelledPost
from labels.taxonomy import Category, taxonomy
from labels.yamlfile import read_yaml
from policy.pack import default_pack_path, load_pack
from training.bundle import Identity, write_bundle
from training.config import NgramConfig
from training.evaluate import (
    calibrate,
    calibrated,
    grouped_folds,
    metrics,
    out_of_fold,
)
from training.lessons import Lessons, corpus_lessons, public_lessons
from training.measure import Behaviour
from training.ngram import fit
from training.ngram_export import export_ngram
from training.operating import operating_table
from training.options import (
    config_option,
    corpus_option,
    data_option,
    jobs_option,
    licensed_option,
    quiet,
)

if TYPE_CHECKING:
    from training.run import TrainingRun

_folder = click.Path(file_okay=False, path_type=Path)
_out_option = click.option("--out", type=_folder, required=True, help="Folder of the bundle.")
_model_argument = click.argument(
    "model", type=click.Path(exists=True, file_okay=False, path_type=Path)
)


def _work_option(default: str) -> Callable[[Any], Any]:
    return click.option(
        "--work",
        type=_folder,
        default=Path(default),
        show_default=True,
        help="Folder of checkpoints; the same command goes on from them.",
    )


@click.group()
def train() -> None:
    """Train a model and export it as a bundle."""


@train.command()
@config_option("configs/training/ngram.yaml")
@corpus_option
@_out_option
@jobs_option
def baseline(config_path: Path, folder: Path, out: Path, jobs: int) -> None:
    """The linear character n-gram model: evaluated, calibrated, exported."""
    config = read_yaml(config_path, NgramConfig)
    lessons = corpus_lessons(folder)
    rows = [post for post in lessons.posts if isinstance(post, LabelledPost)]
    by_group = grouped_folds(lessons.groups, config.folds, config.seed)
    grouped, _ = out_of_fold(rows, by_group, config, jobs=jobs)
    by_writer = grouped_folds(lessons.writers, config.folds, config.seed)
    whole, bare = out_of_fold(rows, by_writer, config, jobs=jobs)
    heads = taxonomy().heads
    labels = lessons.labels_of(heads)
    model = fit(rows, labels, config, jobs=jobs)
    calibration = calibrate(whole, labels)
    evaluation: dict[str, Any] = {
        "held_out_groups": metrics(rows, grouped),
        "unseen_writers": metrics(rows, whole),
        "unseen_writers_stripped": metrics(rows, bare),
    }
    click.echo(json.dumps(_splits(evaluation), indent=1))
    table = operating_table(calibrated(whole, calibration), labels, lessons.genres, heads)
    out.mkdir(parents=True, exist_ok=True)
    part = export_ngram(out, model, config, NgramPart(kind="ngram", weight=1.0))
    identity = Identity(config.id, config.version, heads, config.windows, lessons.sources)
    write_bundle(out, [part], Behaviour(evaluation, calibration, table), identity)
    click.echo(f"wrote {out}")


@train.command()
@corpus_option
@_out_option
def init(folder: Path, out: Path) -> None:
    """The pretrained encoder as a Hugging Face folder, checked against its package."""
    from training import encoder, run  # noqa: PLC0415  torch takes seconds to load

    found = encoder.init_encoder(out, run.sentences(posts(load_corpus(folder))))
    click.echo(json.dumps(found, indent=1))
    click.echo(f"wrote {out}")


def _transformer_command(command: Callable[..., None]) -> Callable[..., None]:
    """Options of a run, which the command gets as its first argument."""

    @wraps(command)
    def with_run(
        config_path: Path,
        folder: Path,
        data_dir: Path | None,
        work: Path,
        jobs: int,
        licensed: bool,
        **others: Any,
    ) -> None:
        from training.run import TrainingRun  # noqa: PLC0415  torch takes seconds to load

        quiet()
        lessons = _lessons(folder, data_dir, licensed=licensed)
        command(TrainingRun(config_path, lessons, work, jobs), **others)

    for option in (
        jobs_option,
        _work_option("build/training"),
        licensed_option,
        data_option,
        corpus_option,
        config_option("configs/training/transformer.yaml"),
    ):
        with_run = option(with_run)
    return with_run


@train.command()
@_transformer_command
@_out_option
def run(training_run: "TrainingRun", out: Path) -> None:
    """The transformer: trained on all but a fold of groups, measured on it, and exported."""
    _measure_and_ship(training_run, out, fold=0)


@train.command()
@_transformer_command
@click.option(
    "--fold",
    "folds",
    type=click.IntRange(0),
    multiple=True,
    default=range(5),
    show_default=True,
    help="Folds of held-out pair groups; each has a seed of its own.",
)
def compare(training_run: "TrainingRun", folds: tuple[int, ...]) -> None:
    """The transformer beside the n-gram baseline on held-out groups, a fold and a seed a time."""
    found = []
    for fold in folds:
        found.append(_splits(training_run.measure(fold).behaviour.metrics))
        click.echo(json.dumps({"fold": fold, **found[-1]}, indent=1))
    click.echo(json.dumps({"mean_over_folds": _means(found)}, indent=1))


@train.command()
@_model_argument
@click.option("--version", required=True, help="Version of the bundle that comes of it.")
@config_option("configs/training/compress.yaml")
@corpus_option
@data_option
@_work_option("build/compress")
@jobs_option
@_out_option
def compress(  # noqa: PLR0913, PLR0917  one argument an option
    model: Path,
    version: str,
    config_path: Path,
    folder: Path,
    data_dir: Path | None,
    work: Path,
    jobs: int,
    out: Path,
) -> None:
    """The bundle MODEL with fewer neurons, so faster: taught by MODEL, measured, and exported.

    It learns the rows that MODEL learned, so corpus and public sets must be those that it was
    trained with.
    """
    from training.release.rows import learned  # noqa: PLC0415  scikit-learn is slow
    from training.retrain import revision  # noqa: PLC0415  torch takes seconds to load
    from training.run import Continued, TrainingRun  # noqa: PLC0415  torch takes seconds to load

    quiet()
    champion = read_bundle(model)
    lessons = learned(champion.manifest, folder, data_dir)
    continued = Continued.of(champion, version)
    training_run = TrainingRun(config_path, lessons, work, jobs, continued)
    lineage = Lineage(parent=champion.version, revision=revision(), events=0)
    _measure_and_ship(training_run, out, continued.held_out.fold, lineage)


@train.command()
@_model_argument
@corpus_option
@data_option
@_out_option
def cascade(model: Path, folder: Path, data_dir: Path | None, out: Path) -> None:
    """A copy of the bundle MODEL with a first stage, as `run` would have exported it.

    Fitted on rows that MODEL did not learn from, so corpus and public sets must be those that it
    was trained with.
    """
    from training.cascade import fit_cascade, write_cascade  # noqa: PLC0415  scikit-learn is slow
    from training.release.rows import unlearned  # noqa: PLC0415

    if out.exists():
        raise click.UsageError(f"--out {out}: exists")
    rows = unlearned(read_manifest(model).manifest, folder, data_dir)
    held_out = rows.corpus + rows.public if rows.public else rows.corpus
    fitted = fit_cascade(model, held_out, load_pack(default_pack_path()).pack)
    shutil.copytree(model, out)
    write_cascade(out, fitted)
    click.echo(json.dumps(fitted.cascade.model_dump(mode="json"), indent=1))
    click.echo(f"wrote {out}")


def _measure_and_ship(
    training_run: "TrainingRun", out: Path, fold: int, lineage: Lineage | None = None
) -> None:
    measured = training_run.measure(fold)
    click.echo(json.dumps(_splits(measured.behaviour.metrics), indent=1))
    training_run.ship(out, measured, lineage)
    click.echo(f"wrote {out}")


def _lessons(corpus: Path, data: Path | None, *, licensed: bool) -> list[Lessons]:
    if licensed and data is None:
        raise click.UsageError("--licensed chooses among the sets of --data-dir")
    public = [public_lessons(data, train=True, licensed=licensed)] if data else []
    return [corpus_lessons(corpus), *public]


def _splits(evaluation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The splits of an evaluation at a glance."""
    return {
        name: _summary(found) for name, found in evaluation.items() if "average_precision" in found
    }


def _means(found: list[dict[str, dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Each figure of each split, averaged over evaluations."""
    return {
        split: {
            figure: round(fmean(each[split][figure] for each in found), 4)
            for figure in figures
            if all(each[split][figure] is not None for each in found)
        }
        for split, figures in found[0].items()
    }


def _summary(found: dict[str, Any]) -> dict[str, Any]:
    """The figures a person wants at a glance; all heads stand in the manifest."""
    categories = {category: found["average_precision"][category] for category in Category}
    return categories | {k: v for k, v in found.items() if k != "average_precision"}
