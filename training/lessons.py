"""What a model learns from: posts and their labels with the gaps that each data set leaves."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from classifiers.bundle import HeldOut, Source
from labels.dataset import corpus_sha256, load_corpus, posts
from labels.records import LabelledPost, Post
from labels.taxonomy import taxonomy
from training.evaluate import grouped_folds
from training.ngram import Floats, targets
from training.public.rows import PublicRow
from training.public.sources import read_sources

#: every head a model may have: the taxonomy's, then whether a machine wrote the text
HEADS = taxonomy().model_heads
#: the corpus' own licence; weights learned from it alone carry it too
CORPUS_LICENCE = "CC-BY-4.0"
CORPUS_GENRE = "self-media post"
_CORPUS = "labels/corpus"


@dataclass(frozen=True, slots=True)
class Lessons:
    """Rows to learn from, from one or more sources.

    ``labels`` has shape (posts, ``HEADS``): 1 holds, 0 does not, NaN where the data set does not
    say. ``writers`` names the writer or data set of each post, ``genres`` its kind of text,
    ``groups`` what stays on one side of every split. ``trust``, shape (posts,), is how much a
    row's labels count, above 0 and at most 1.
    """

    posts: Sequence[Post]
    labels: Floats
    writers: Sequence[str]
    genres: Sequence[str]
    groups: Sequence[str]
    trust: Floats
    sources: tuple[Source, ...]

    def __add__(self, other: Self) -> Self:
        """Both, one after the other."""
        return replace(
            self,
            posts=[*self.posts, *other.posts],
            labels=np.vstack([self.labels, other.labels]),
            writers=[*self.writers, *other.writers],
            genres=[*self.genres, *other.genres],
            groups=[*self.groups, *other.groups],
            trust=np.append(self.trust, other.trust),
            sources=(*self.sources, *other.sources),
        )

    def at(self, places: Iterable[int]) -> Self:
        """The rows at these places."""
        places = list(places)
        return replace(
            self,
            posts=[self.posts[place] for place in places],
            labels=self.labels[places],
            writers=[self.writers[place] for place in places],
            genres=[self.genres[place] for place in places],
            groups=[self.groups[place] for place in places],
            trust=self.trust[places],
        )

    def of(self, names: Sequence[str]) -> Self:
        """The rows and sources of these data sets alone."""
        places = np.flatnonzero(np.isin(self.writers, list(names)))
        sources = tuple(source for source in self.sources if source.name in names)
        return replace(self.at(places.tolist()), sources=sources)

    def labels_of(self, heads: Sequence[str]) -> Floats:
        """Shape (posts, heads): the labels of these heads."""
        return self.labels[:, [HEADS.index(head) for head in heads]]


def parted(lessons: Lessons, held_out: HeldOut) -> tuple[Lessons, Lessons]:
    """What is learned, and what is held out; no group is on both sides."""
    splits = list(grouped_folds(lessons.groups, held_out.folds, held_out.seed))
    known, unseen = splits[held_out.fold % len(splits)]
    return lessons.at(known), lessons.at(unseen)


def spread(posts: Sequence[Post], at_most: int) -> Sequence[Post]:
    """Some of many posts, at even distances."""
    return posts[:: max(1, len(posts) // at_most)][:at_most]


def corpus_lessons(folder: Path) -> Lessons:
    """The labelled posts of a corpus; raises ``CorpusError``.

    They say nothing of who wrote them, so ``machine_written`` is unknown in all.
    """
    corpus = load_corpus(folder)
    rows = posts(corpus)
    sha256 = corpus_sha256(corpus)
    source = Source(name=_CORPUS, rows=len(rows), licence=CORPUS_LICENCE, sha256=sha256)
    genres = [CORPUS_GENRE] * len(rows)
    return Lessons(
        posts=rows,
        labels=known_labels(rows),
        writers=corpus["writer"],
        genres=genres,
        groups=corpus["group"],
        trust=np.ones(len(rows)),
        sources=(source,),
    )


def public_lessons(data: Path, *, train: bool, licensed: bool = False) -> Lessons:
    """The public sets of one folder that may be trained on, or those kept for evaluation.

    Args:
        data: the folder.
        train: which of the two.
        licensed: only sets under an express licence.

    Raises:
        InputError: a set is not there or not in shape.
    """
    read = list(read_sources(data, train=train, licensed=licensed))
    rows = [(source.name, row) for source, found in read for row in found]
    return Lessons(
        posts=[_post(name, place, row) for place, (name, row) in enumerate(rows)],
        labels=np.array([_labels(row.marks) for _, row in rows]),
        writers=[name for name, _ in rows],
        genres=[source.genre for source, found in read for _ in found],
        groups=[row.group for _, row in rows],
        trust=np.ones(len(rows)),
        sources=tuple(
            Source(name=source.name, rows=len(found), licence=source.licence, sha256=_sha256(found))
            for source, found in read
        ),
    )


def known_labels(rows: Sequence[LabelledPost]) -> Floats:
    """Shape (posts, ``HEADS``) of labelled posts, whose every head of the taxonomy is known."""
    unknown = np.full((len(rows), 1), np.nan)
    return np.hstack([targets(rows).astype(np.float64), unknown])


def learnable(labels: Floats) -> tuple[str, ...]:
    """The heads of which both a positive and a negative are known.

    A model has no head for the others, so that it cannot answer what it never learned.
    """
    both = (labels == 1).any(axis=0) & (labels == 0).any(axis=0)
    return tuple(head for head, known in zip(HEADS, both, strict=True) if known)


def _labels(marks: Mapping[str, bool]) -> list[float]:
    return [float(marks[head]) if head in marks else np.nan for head in HEADS]


def _post(name: str, place: int, row: PublicRow) -> Post:
    return Post(data_id=f"{name} {place}", title=row.title, text=row.text)


def _sha256(rows: Sequence[PublicRow]) -> str:
    """SHA-256 (hex) over texts and labels in order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.title}\n{row.text}\n{sorted(row.marks.items())}\n".encode())
    return digest.hexdigest()
