"""A post as token ids: windows of its content, each read beside the account's face."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, model_validator
from tokenizers import Tokenizer

from classifiers.rendering import MARKERS, Segment, content, face, readable
from classifiers.windows import windows
from labels.records import Post
from labels.yamlfile import Strict

#: tokens that any one character and the specials need at most
_ROOM = 64


@dataclass(frozen=True, slots=True)
class Window:
    """What is read in one pass: token ids, and the characters of the content they cover."""

    ids: list[int]
    start: int
    end: int


class Limits(Strict):
    """How a post is cut.

    ``window_chars`` and ``overlap_chars`` cut the content, ``face_tokens`` the face, and no
    window has more than ``max_tokens`` with both, which leaves room for any one character.
    """

    window_chars: Annotated[int, Field(gt=0)]
    overlap_chars: Annotated[int, Field(ge=0)]
    face_tokens: Annotated[int, Field(ge=32)]
    max_tokens: Annotated[int, Field(le=512)]

    @model_validator(mode="after")
    def _leave_room(self) -> Self:
        if self.window_chars <= 2 * self.overlap_chars:
            raise ValueError("window_chars must be more than twice overlap_chars")
        if self.max_tokens < self.face_tokens + _ROOM:
            raise ValueError(f"max_tokens must be at least face_tokens + {_ROOM}")
        return self


class PostEncoder:
    """Turns posts into windows of token ids; long bios and long texts are read whole.

    The ids of ``MARKERS`` follow the tokenizer's own, in order.
    """

    def __init__(self, tokenizer: Tokenizer, limits: Limits) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self._limits = limits
        first = tokenizer.get_vocab_size(with_added_tokens=True)
        self._markers = {name: first + place for place, name in enumerate(MARKERS)}
        self._frame = _Frame.of(tokenizer)

    @property
    def vocabulary_size(self) -> int:
        """Rows the embedding needs: the tokenizer's and the markers'."""
        return self.tokenizer.get_vocab_size(with_added_tokens=True) + len(MARKERS)

    def encode(self, post: Post) -> list[Window]:
        """At least one window; the windows together cover the whole content and face.

        A face longer than ``face_tokens`` is cut into parts. Every window of the content is
        read beside the first part, and the other parts beside the first window.
        """
        parts = self._face_parts(face(post))
        text = content(post)
        spans = windows(text, size=self._limits.window_chars, overlap=self._limits.overlap_chars)
        first, *others = [w for span in spans for w in self._fitting(text, span, parts[0])]
        opening = text[first.start : first.end]
        more = [
            Window(self._framed(part, self.tokens(opening)), first.start, first.end)
            for part in parts[1:]
        ]
        return [first, *others, *more]

    def tokens(self, text: str) -> list[int]:
        """Ids of a text alone, without specials."""
        return list(self.tokenizer.encode(readable(text), add_special_tokens=False).ids)

    def _face_parts(self, segments: Sequence[Segment]) -> list[list[int]]:
        ids: list[int] = []
        for marker, words in segments:
            ids += [self._markers[marker], *(self.tokens(words) if words else ())]
        size = self._limits.face_tokens
        return [ids[at : at + size] for at in range(0, max(len(ids), 1), size)]

    def _fitting(self, text: str, span: tuple[int, int], part: list[int]) -> Iterator[Window]:
        """The span as one window, or halved until each fits: some signs are many tokens."""
        start, end = span
        ids = self._framed(part, self.tokens(text[start:end]))
        if len(ids) <= self._limits.max_tokens:
            yield Window(ids, start, end)
            return
        middle = (start + end) // 2
        yield from self._fitting(text, (start, middle), part)
        yield from self._fitting(text, (middle, end), part)

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
