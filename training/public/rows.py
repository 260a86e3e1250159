"""What an adapter yields, and how it says what its data set teaches."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from classifiers.scorer import MIN_ORIGIN_CHARS
from labels.taxonomy import MACHINE_WRITTEN, Category, taxonomy

#: head to whether it holds; a head that is not named is unknown, never false
Marks = Mapping[str, bool]

#: ordinary text: no category and no clause holds, protections are not asked
ORDINARY: Marks = dict.fromkeys((*Category, *taxonomy().clauses), False)
#: the same, of which it is known that no machine wrote it
BY_PEOPLE: Marks = {**ORDINARY, MACHINE_WRITTEN: False}
#: a badge on a collection of other people's texts is not among them
_EXPRESS = frozenset({"Apache-2.0", "CC BY 4.0", "CC BY-SA 4.0", "CC0", "not in copyright"})


@dataclass(frozen=True, slots=True)
class PublicRow:
    """A text with the labels that its data set knows.

    Rows of one ``group`` (near-duplicates, one question, one document) stay on one side of every
    split. ``made`` is when (ISO date) or by what (a generator) it was made, where that is known.
    """

    text: str
    marks: Marks
    group: str
    title: str | None = None
    made: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A data set, or a part of one, under one licence and of one genre.

    ``train`` is false for sets that are for evaluation at most: non-commercial, research only,
    or kept as a held-out source. ``at_most`` caps the rows that training takes.
    """

    name: str
    genre: str
    licence: str
    read: Callable[[Path], Iterable[PublicRow]]
    train: bool
    at_most: int

    @property
    def licensed(self) -> bool:
        """Whether whoever made the texts says expressly under what licence they are."""
        return self.licence in _EXPRESS


def sampled(rows: Iterable[PublicRow], at_most: int) -> list[PublicRow]:
    """At most so many rows, distinct, by a hash of their text: the same ones everywhere.

    Where a set has texts of people and of machines, half are taken from each.
    """
    by_key = {_key(row): row for row in rows}
    ordered = [by_key[key] for key in sorted(by_key)]
    machine = [row for row in ordered if row.marks.get(MACHINE_WRITTEN)]
    people = [row for row in ordered if row.marks.get(MACHINE_WRITTEN) is False]
    if not (machine and people):
        return ordered[:at_most]
    return [*people[: at_most // 2], *machine[: at_most // 2]]


def plain(texts: Iterable[tuple[str, str]], marks: Marks) -> Iterator[PublicRow]:
    """Rows of ``(group, text)`` pairs that share their labels."""
    for group, text in texts:
        known = len(text) >= MIN_ORIGIN_CHARS
        yield PublicRow(
            text, {k: v for k, v in marks.items() if known or k != MACHINE_WRITTEN}, group
        )


def _key(row: PublicRow) -> str:
    return hashlib.sha256(f"{row.title}\n{row.text}".encode()).hexdigest()
