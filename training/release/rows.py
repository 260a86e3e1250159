"""The rows that a bundle did not learn from, told by its own manifest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from classifiers.bundle import Manifest, Source
from labels.dataset import unseen_writers_folder
from labels.errors import ModelError
from training.label_lessons import data_sets
from training.lessons import Lessons, corpus_lessons, parted, public_lessons
from training.release.scored import Model, Scored, score


@dataclass(frozen=True, slots=True)
class Unlearned:
    """Rows held out of the corpus, of the public sets learned from, and sets never learned from.

    ``strangers`` are posts by writers who have no part in the corpus. ``unseen`` is None without
    a folder of public sets, ``public`` also where the model learned from none of them. No group
    of ``unseen`` was learned from.
    """

    corpus: Lessons
    strangers: Lessons
    public: Lessons | None
    unseen: Lessons | None


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """The rows that two models can be compared on: neither learned them, and they never change."""

    corpus: Scored
    strangers: Scored
    public: Scored | None

    @classmethod
    def of(cls, model: Model, rows: Unlearned) -> Self:
        """Scored by a model; raises ``ScoringError`` if it fails."""
        return cls(
            score(model, rows.corpus),
            score(model, rows.strangers),
            score(model, rows.public) if rows.public else None,
        )

    @property
    def splits(self) -> dict[str, Scored]:
        """By name."""
        named = {"held-out groups": self.corpus, "unseen writers": self.strangers}
        return named | ({"public sets": self.public} if self.public else {})


def unlearned(manifest: Manifest, corpus: Path, data: Path | None) -> Unlearned:
    """What a model can be measured on.

    Args:
        manifest: of the bundle.
        corpus: folder of labelled posts.
        data: folder of public sets; needed by a model that learned from them.

    Raises:
        ModelError: the model learned every row, or other rows than these.
        InputError: a public set is not there or not in shape.
    """
    held_out = manifest.held_out
    if held_out is None:
        raise ModelError(
            f"{manifest.id} {manifest.version} learned every row of its sources",
            remedy="evaluate a model that held some out, as `mingbian train run` writes them",
        )
    ours = corpus_lessons(corpus)
    _check(manifest.sources[:1], ours.sources, manifest)
    _, rows = parted(ours, held_out)
    strangers = corpus_lessons(unseen_writers_folder())
    if data is None:
        return Unlearned(rows, strangers, None, None)
    everything = public_lessons(data, train=True)
    _, *learned = data_sets(manifest)
    _check(learned, everything.sources, manifest)
    names = [source.name for source in learned]
    used = np.isin(everything.writers, names)
    others = everything.at(np.flatnonzero(~used)) + public_lessons(data, train=False)
    if not names:
        return Unlearned(rows, strangers, None, others)
    known, public = parted(everything.of(names), held_out)
    groups = set(known.groups)
    fresh = [place for place, group in enumerate(others.groups) if group not in groups]
    return Unlearned(rows, strangers, public, others.at(fresh))


def learned(manifest: Manifest, corpus: Path, data: Path | None) -> list[Lessons]:
    """The corpus, then the public sets that a model learned from, what it held out included.

    Raises:
        ModelError: these are not the rows that the model was trained with.
        InputError: a public set is not there or not in shape.
    """
    ours, *public = data_sets(manifest)
    found = [corpus_lessons(corpus)]
    if public and data:
        found.append(public_lessons(data, train=True).of([source.name for source in public]))
    _check([ours, *public], [source for each in found for source in each.sources], manifest)
    return found


def _check(learned: Sequence[Source], found: Sequence[Source], manifest: Manifest) -> None:
    """Raises ``ModelError`` unless the rows at hand are those the model was trained with."""
    hashes = {source.name: source.sha256 for source in found}
    for source in learned:
        if hashes.get(source.name) != source.sha256:
            raise ModelError(
                f"{source.name} is not what {manifest.id} {manifest.version} was trained with, "
                "so what it held out cannot be told",
                remedy="evaluate with the same corpus and public sets, or train again",
            )
