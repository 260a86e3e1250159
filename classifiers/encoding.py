"""A post as token ids: windows of its content, each read beside the account's face."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, model_validator
from tokenizers import Tokenizer

from classifiers.rendering import MARKERS, Segment, content, face, readable
from classifiers.windows import Windows
from labels.records import Post
from labels.yamlfile import Strict

#: tokens that any one character and the specials need at most
_ROOM = 64


@dataclass(frozen=True, slots=True)
class Window:
    """What is read in one pass: token ids, and which window of the content they are from."""

    ids: list[int]
    place: int


class Limits(Strict):
    """How much is read in one pass.

    The face is cut after ``face_tokens``, and a window has no more than ``max_tokens`` with it,
    which leaves room for any one character.
    """

    face_tokens: Annotated[int, Field(ge=32)]
    max_tokens: Annotated[int, Field(le=512)]

    @model_validator(mode="after")
    def _leave_room(self) -> Self:
        if self.max_tokens < self.face_tokens + _ROOM:
            raise ValueError(f"max_tokens must be at least face_tokens + {_ROOM}")
        return self


class PostEncoder:
    """Turns posts into windows of token ids; long bios and long texts are read whole.

    The ids of ``MARKERS`` follow the tokenizer's own, in order.
    """

    def __init__(self, tokenizer: Tokenizer, windows: Windows, limits: Limits) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self._windows, self._limits = windows, limits
        first = tokenizer.get_vocab_size(with_added_tokens=True)
        self._markers = {name: first + place for place, name in enumerate(MARKERS)}
        self._frame = _Frame.of(tokenizer)

    @property
    def vocabulary_size(self) -> int:
        """Rows the embedding needs: the tokenizer's and the markers'."""
        return self.tokenizer.get_vocab_size(with_added_tokens=True) + len(MARKERS)

    def encode(self, post: Post) -> list[Window]:
        """What is read in each pass, at least one for each window of the content.

        A window of too many tokens is read in parts. So is a face longer than ``face_tokens``:
        every window is read beside its first part, and the first window beside each.
        """
        parts = self._face_parts(face(post))
        text = content(post)
        spans = self._windows.over(text)
        found = [
            Window(ids, place)
            for place, (start, end) in enumerate(spans)
            for ids in self._fitting(text[start:end], parts[0])
        ]
        opening = text[slice(*spans[0])]
        found += [Window(ids, 0) for part in parts[1:] for ids in self._fitting(opening, part)]
        return found

    def tokens(self, text: str) -> list[int]:
        """Ids of a text alone, without specials."""
        return list(self.tokenizer.encode(readable(text), add_special_tokens=False).ids)

    def _face_parts(self, segments: Sequence[Segment]) -> list[list[int]]:
        ids: list[int] = []
        for marker, words in segments:
            ids += [self._markers[marker], *(self.tokens(words) if words else ())]
        size = self._limits.face_tokens
        return [ids[at : at + size] for at in range(0, max(len(ids), 1), size)]

    def _fitting(self, text: str, part: list[int]) -> Iterator[list[int]]:
        """The text in one pass, or halved until each fits: some signs are many tokens."""
        ids = self._framed(part, self.tokens(text))
        if len(ids) <= self._limits.max_tokens:
            yield ids
            return
        middle = len(text) // 2
        yield from self._fitting(text[:middle], part)
        yield from self._fitting(text[middle:], part)

    def _framed(self, part: list[int], tokens: list[int]) -> list[int]:
        frame = self._frame
        return [*frame.before, *part, *frame.between, *tokens, *frame.after]


@dataclass(frozen=True, slots=True)
class _Frame:
    """The special tokens a tokenizer puts around a pair of texts."""

    before: list[int]
    between: list[int]
    after: list[int]

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Self:
        pair = tokenizer.encode("一", "一")
        sides = list(pair.sequence_ids)
        first, second = sides.index(0), sides.index(1)
        first_end = first + sides.count(0)
        second_end = second + sides.count(1)
        return cls(pair.ids[:first], pair.ids[first_end:second], pair.ids[second_end:])
