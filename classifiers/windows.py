"""Long text cut into overlapping windows, so that it is read whole."""

import re
from collections.abc import Sequence

import numpy as np

_SENTENCE_END = re.compile(r"[。！？!?；;…\n]+[”」』\"）)]*")


def windows(text: str, *, size: int, overlap: int) -> list[tuple[int, int]]:
    """Spans that together cover ``text``, each at most ``size`` characters.

    A window ends after a sentence where one ends in its second half, and the next one begins
    at least ``overlap`` characters earlier, so no sentence shorter than ``overlap`` is split in
    all of its windows.

    Args:
        text: any length; empty text gives one empty window.
        size: characters, > 2 * overlap.
        overlap: characters, >= 0.

    Returns:
        ``(start, end)`` offsets in code points, in order.
    """
    spans = []
    start = 0
    while len(text) - start > size:
        end = _last_sentence_end(text, start + size // 2, start + size)
        spans.append((start, end))
        start = end - overlap
    spans.append((start, len(text)))
    return spans


def _last_sentence_end(text: str, low: int, high: int) -> int:
    ends = [match.end() for match in _SENTENCE_END.finditer(text, low, high)]
    return ends[-1] if ends else high


def coverage(length: int, spans: Sequence[tuple[int, int]]) -> float:
    """Share of ``length`` characters that lie in a span; 1 if there are none to read."""
    read = np.zeros(length, dtype=bool)
    for start, end in spans:
        read[start:end] = True
    return float(read.mean()) if length else 1.0
