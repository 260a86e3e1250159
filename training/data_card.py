"""The data card that lies beside a bundle: what its training run read, by source and by label."""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add

import numpy as np

from classifiers.bundle import Source
from labels.taxonomy import Category
from training.lessons import HEADS, Lessons
from training.ngram import Floats

#: of each source; clauses and protected classes are counted over all of them
_BY_SOURCE = (*Category, "machine_written")


def data_card(lessons: Sequence[Lessons], folds: int) -> str:
    """Markdown: rows by source, licence and label, then by every head.

    Args:
        lessons: all that the run read.
        folds: one of so many folds of groups was held out.
    """
    sources = [each for group in lessons for each in _sources(group)]
    by_source = "\n".join(_source_row(source, labels) for source, labels in sources)
    columns = zip(HEADS, reduce(add, lessons).labels.T, strict=True)
    by_label = "\n".join(_head_row(head, column) for head, column in columns)
    return f"""# What the training run read

Rows in which a label holds / does not hold; the others do not say, and teach nothing of it. One of
{folds} folds of groups of every source was held out, to calibrate and to measure.

## By source

| source | licence | rows | {" | ".join(_BY_SOURCE)} |
|{"---|" * (len(_BY_SOURCE) + 3)}
{by_source}

## By label

| label | holds | does not hold | not said |
|---|---|---|---|
{by_label}
"""


def _sources(lessons: Lessons) -> Iterator[tuple[Source, Floats]]:
    """Each source with its rows' labels; rows of one of several name it as their writer."""
    alone = len(lessons.sources) == 1
    for source in lessons.sources:
        yield source, lessons.labels if alone else lessons.of([source.name]).labels


def _source_row(source: Source, labels: Floats) -> str:
    counts = [_counts(labels[:, HEADS.index(head)]) for head in _BY_SOURCE]
    told = [f"{holds} / {not_so}" if holds or not_so else "" for holds, not_so, _ in counts]
    return f"| {source.name} | {source.licence} | {len(labels)} | {' | '.join(told)} |"


def _head_row(head: str, column: Floats) -> str:
    return f"| {head} | {' | '.join(map(str, _counts(column)))} |"


def _counts(column: Floats) -> tuple[int, int, int]:
    """How often a label holds, does not hold, and is not said."""
    holds, not_so = int(np.sum(column == 1)), int(np.sum(column == 0))
    return holds, not_so, len(column) - holds - not_so
