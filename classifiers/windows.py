"""Long text cut into overlapping windows, so that it is read whole."""

import re
from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from labels.yamlfile import Strict

_SENTENCE_END = re.compile(r"[。！？!?；;…\n]+[”」』\"）)]*")


class Windows(Strict):
    """How the content of a post is cut: at most ``chars`` characters, ``overlap`` in common."""

    chars: Annotated[int, Field(gt=0)]
    overlap: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _go_forward(self) -> Self:
        if self.chars <= 2 * self.overlap:
            raise ValueError("chars must be more than twice overlap")
        return self

    def over(self, text: str) -> list[tuple[int, int]]:
        """Spans that together cover ``text``, as ``(start, end)`` in code points, in order.

        A window ends after a sentence where one ends in its second half, and the next one
        begins ``overlap`` characters earlier, so no sentence shorter than that is split in all
        of its windows. Empty text gives one empty window.
        """
        spans = []
        start = 0
        while len(text) - start > self.chars:
            end = _last_sentence_end(text, start + self.chars // 2, start + self.chars)
            spans.append((start, end))
            start = end - self.overlap
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
