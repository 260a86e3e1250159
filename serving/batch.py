"""A file of posts scored to a file of results, in order, in flat memory."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from labels.errors import InputError
from labels.results import CheckedPost, PostResult, PrecheckResult, ScoredPost
from serving.engine import Item
from serving.files import Source

_CHUNK = 128
STDOUT = "-"
PROMPTED, COMPLETE, REJECTED = "to complete", "complete", "rejected"


Answer = Callable[[Sequence[Item]], Sequence[PostResult | PrecheckResult]]


def answer_to(answer: Answer, source: Source, out: str) -> Counter[str]:
    """Write one JSON object a post, in input order.

    The file appears under its name when it is whole; a run that is cut leaves none.

    Args:
        answer: to some items, one each.
        source: of the items.
        out: path, or ``STDOUT``.

    Returns:
        How many posts were answered with each suggestion, or with prompts or none, and
        ``rejected``.
    """
    counts: Counter[str] = Counter()
    bar = tqdm(total=source.total, unit="B", unit_scale=True, disable=None, file=sys.stderr)
    with bar, _writer(out) as file:
        while chunk := list(islice(source.items, _CHUNK)):
            for result in answer(chunk):
                file.write(result.model_dump_json() + "\n")
                counts[_outcome(result)] += 1
            bar.update(source.position() - bar.n)
    return counts


def summary(counts: Counter[str], names: Sequence[str]) -> str:
    """One line for a person: how many of each name, and rejected."""
    parts = [f"{counts[name]} {name}" for name in (*names, REJECTED)]
    return f"{counts.total()} posts: {', '.join(parts)}"


def _outcome(result: PostResult | PrecheckResult) -> str:
    if isinstance(result, ScoredPost):
        return result.suggestion.value
    if isinstance(result, CheckedPost):
        return PROMPTED if result.prompts else COMPLETE
    return REJECTED


@contextmanager
def _writer(out: str) -> Iterator[TextIO]:
    if out == STDOUT:
        yield sys.stdout
        sys.stdout.flush()
        return
    part = Path(f"{out}.part")
    try:
        file = part.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}") from None
    try:
        with file:
            yield file
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
