"""A file of posts scored to a file of results, in order, in flat memory."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from labels.errors import InputError
from labels.results import PostResult, ScoredPost, Suggestion
from serving.engine import Engine
from serving.files import Source

_CHUNK = 128
STDOUT = "-"


def score_to(engine: Engine, source: Source, out: str, *, explain: bool) -> Counter[str]:
    """Write one JSON object a post, in input order.

    The file appears under its name when it is whole; a run that is cut leaves none.

    Returns:
        How many posts were answered with each suggestion, and ``rejected``.
    """
    counts: Counter[str] = Counter()
    bar = tqdm(total=source.total, unit="B", unit_scale=True, disable=None, file=sys.stderr)
    with bar, _writer(out) as file:
        while chunk := list(islice(source.items, _CHUNK)):
            for result in engine.score(chunk, explain=explain):
                file.write(result.model_dump_json() + "\n")
                counts[_outcome(result)] += 1
            bar.update(source.position() - bar.n)
    return counts


def summary(counts: Counter[str]) -> str:
    """One line for a person."""
    parts = [f"{counts[name]} {name}" for name in (*reversed(Suggestion), "rejected")]
    return f"{counts.total()} posts: {', '.join(parts)}"


def _outcome(result: PostResult) -> str:
    return result.suggestion.value if isinstance(result, ScoredPost) else "rejected"


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
