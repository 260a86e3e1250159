"""First stage: rows become posts with their labels; equal inputs are found, bad rows set aside."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import islice
from typing import Any

from classifiers.rendering import content, content_digest, input_digest
from labels.cases import LabelFacts
from labels.errors import InputError
from labels.reader import read_labels
from labels.records import Post, PostError
from policy.decide import label_advice, label_facts
from serving.audit.index import Chunk, Index
from serving.audit.layout import Layout
from serving.audit.sources import Row, Sources
from serving.audit.tables import ERRORS, FACTS, INPUTS, READ, write
from serving.engine import input_warnings, parsed

CHUNK_ROWS = 2_000
_BEIJING = timezone(timedelta(hours=8))
#: a moment outside is a slip, and counts as none
_YEARS = range(1990, 2101)
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Window:
    """Days of Beijing, both included."""

    first: date
    last: date

    def __contains__(self, moment: datetime | None) -> bool:
        return moment is not None and self.first <= moment.astimezone(_BEIJING).date() <= self.last


@dataclass(slots=True)
class _Chunk:
    """Columns of what was read and of what was refused, and what was new."""

    read: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in READ.names})
    errors: dict[str, list[Any]] = field(
        default_factory=lambda: {name: [] for name in ERRORS.names}
    )
    inputs: dict[bytes, int] = field(default_factory=dict)
    ids: dict[bytes, int] = field(default_factory=dict)
    posts: list[str] = field(default_factory=list)


class Reading:
    """Reads sources a chunk at a time, each committed to the index."""

    def __init__(self, index: Index, layout: Layout, window: Window | None) -> None:
        self._index, self._layout, self._window = index, layout, window
        self._labels = _LabelReader()

    def read(self, sources: Sources) -> Iterator[Chunk]:
        """Each chunk when it is committed; those of an earlier run are checked first.

        Raises:
            InputError: the rows are not those that an earlier run read.
        """
        known = {chunk.number: chunk for chunk in self._index.chunks()}
        row, inputs = 1, 0
        for number, rows in enumerate(_chunks(sources.rows())):
            digest = _digest(rows)
            chunk = known.pop(number, None)
            if chunk is None:
                chunk = self._take(number, rows, row, inputs, digest)
            elif chunk.digest != digest:
                raise _changed(rows)
            yield chunk
            row, inputs = row + len(rows), inputs + chunk.inputs
        if known:
            raise InputError(
                f"the input has fewer rows than were read from it before (now {row - 1})",
                remedy="bring it back as it was, or name another --out",
            )

    def _take(
        self, number: int, rows: Sequence[Row], first_row: int, first_input: int, digest: bytes
    ) -> Chunk:
        taken = _Chunk()
        found = [parsed(row.item) for row in rows]
        posts = [post for post in found if isinstance(post, Post)]
        seen = self._index.ids(_id_digest(post.data_id) for post in posts)
        known = self._index.inputs({input_digest(post) for post in posts})
        for place, (row, post) in enumerate(zip(rows, found, strict=True), first_row):
            checked = post if isinstance(post, PostError) else self._checked(post, seen)
            if isinstance(checked, PostError):
                _refuse(taken, place, row, checked)
            else:
                key = _id_digest(checked.data_id)
                seen[key] = taken.ids[key] = place
                number_of_input = _number(taken, checked, known, first_input)
                self._append(taken, place, row, checked, number_of_input)
        chunk = Chunk(number, len(rows), digest, first_input, len(taken.inputs))
        write(self._layout.read(number), taken.read, READ)
        write(self._layout.errors(number), taken.errors, ERRORS)
        write(self._layout.inputs(number), {"post": taken.posts}, INPUTS)
        self._index.add(chunk, taken.inputs, taken.ids)
        return chunk

    def _checked(self, post: Post, seen: Mapping[bytes, int]) -> Post | PostError:
        earlier = seen.get(_id_digest(post.data_id))
        if earlier is not None:
            detail = f"row {earlier} has the same"
            return PostError("repeated_data_id", "/data_id", detail, post.data_id)
        if self._window and moment(post) not in self._window:
            detail = f"not from {self._window.first} to {self._window.last}, or unknown"
            return PostError("outside_window", "/published_at", detail, post.data_id)
        return post

    def _append(self, taken: _Chunk, place: int, row: Row, post: Post, number: int) -> None:
        facts, state, warnings = self._labels.read(post)
        values = {
            "row": place,
            "file": row.file,
            "file_row": row.number,
            "data_id": post.data_id,
            "account_id": post.author and post.author.account_id,
            "account_type": post.author and post.author.verified_as,
            "platform": post.platform,
            "published_at": moment(post),
            "characters": len(content(post)),
            "input": number,
            "content": content_digest(post),
            "ai_state": state,
            "warnings": [*warnings, *_time_warnings(post)],
            **{FACTS[name]: value for name, value in facts},
        }
        for name, value in values.items():
            taken.read[name].append(value)


class _LabelReader:
    """Reads labels once for equal posts, of which audits have many."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[LabelFacts, str, list[str]]] = OrderedDict()

    def read(self, post: Post) -> tuple[LabelFacts, str, list[str]]:
        """What a policy asks of the labels, the state, and advice."""
        key = input_digest(post) + json.dumps(post.metadata).encode()
        found = self._known.pop(key, None)
        if found is None:
            reading = read_labels(post)
            found = (
                label_facts(reading),
                reading.state.value,
                [*input_warnings(post), *label_advice(reading)],
            )
        self._known[key] = found
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found


def moment(post: Post) -> datetime | None:
    """When a post appeared; without a zone it is Beijing's, before 1990 or after 2100 none."""
    at = post.published_at
    if at is None or at.year not in _YEARS:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=_BEIJING)).astimezone(UTC)


def _time_warnings(post: Post) -> list[str]:
    absurd = post.published_at is not None and moment(post) is None
    return ["published_at_out_of_range"] if absurd else []


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    stream = iter(rows)
    while some := list(islice(stream, CHUNK_ROWS)):
        yield some


def _number(taken: _Chunk, post: Post, known: Mapping[bytes, int], first: int) -> int:
    """The number of a post's input, a new one if nothing equal was read before."""
    digest = input_digest(post)
    if digest in known:
        return known[digest]
    if digest not in taken.inputs:
        taken.inputs[digest] = first + len(taken.inputs)
        taken.posts.append(
            post.model_dump_json(include={"data_id", "title", "text", "author", "declared"})
        )
    return taken.inputs[digest]


def _refuse(taken: _Chunk, place: int, row: Row, error: PostError) -> None:
    values = (
        place, row.file, row.number, error.data_id, error.code, error.pointer, error.detail
    )  # fmt: skip
    for name, value in zip(ERRORS.names, values, strict=True):
        taken.errors[name].append(value)


def _id_digest(data_id: str) -> bytes:
    return hashlib.blake2b(data_id.encode(), digest_size=16).digest()


def _digest(rows: Sequence[Row]) -> bytes:
    """Of rows as they came."""
    whole = hashlib.blake2b(digest_size=16)
    for row in rows:
        item = str(row.item) if isinstance(row.item, PostError) else row.item
        raw = item.encode("utf-8", "surrogateescape") if isinstance(item, str) else item
        whole.update(json.dumps([row.file, row.number, len(raw)]).encode() + raw)
    return whole.digest()


def _changed(rows: Sequence[Row]) -> InputError:
    first, last = rows[0], rows[-1]
    return InputError(
        f"rows from {first.file}:{first.number} to {last.file}:{last.number} are not what an "
        "earlier run read there",
        remedy="bring them back, or name another --out",
    )
