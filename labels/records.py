"""The records that enter: a post with its author, declarations and file metadata."""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from labels.errors import MingbianError
from labels.normalize import is_blank
from labels.taxonomy import Category, taxonomy
from labels.yamlfile import Strict

MAX_TEXT_CHARS = 20_000

#: an identifier of the caller's; stores and logs take no control characters
_IDENTIFIER = r"^[^\x00-\x1f\x7f]*$"
Short = Annotated[str, StringConstraints(max_length=200)]
Long = Annotated[str, StringConstraints(max_length=5_000)]
Verification = Literal["none", "person", "professional", "organization", "media", "government"]


class Author(Strict):
    """The account's face when the post appeared. A field left out or null was not asked."""

    account_id: Annotated[Short, StringConstraints(pattern=_IDENTIFIER)] | None = None
    display_name: Short | None = None
    bio: Long | None = None
    verified_as: Verification | None = None
    credentials: Annotated[tuple[Short, ...], Field(max_length=50)] | None = None
    field: Short | None = None


class Declared(Strict):
    """What the author declared when posting; null is 'not asked', never 'no'.

    Source: the six mandatory labels of 2026-05-13 and the source option of the 2025 notice.
    """

    ai_generated: bool | None = None
    fiction: bool | None = None
    repost: bool | None = None
    marketing: bool | None = None
    opinion: bool | None = None
    no_label_needed: bool | None = None
    source: Long | None = None
    event_date: date | None = None


class Post(Strict):
    """One post as the platform holds it. Required: ``data_id`` and a ``text`` or ``title``.

    ``metadata`` is free JSON from the file, where implicit AI labels live. ``callback`` is the
    caller's own and echoed unread. Lengths are in Unicode code points.
    """

    data_id: Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=_IDENTIFIER)]
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)] | None = None
    title: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    platform: Short | None = None
    published_at: datetime | None = None
    author: Author | None = None
    declared: Declared | None = None
    metadata: JsonValue = None
    callback: JsonValue = None

    @field_validator("metadata", "callback")
    @classmethod
    def _is_json(cls, value: JsonValue) -> JsonValue:
        if not _finite(value):
            raise PydanticCustomError("not_finite", "a number is infinite, which JSON has not")
        return value

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if is_blank(self.data_id):
            raise ValueError("data_id is blank")
        if is_blank(self.text or "") and is_blank(self.title or ""):
            raise ValueError("text and title are both blank")
        return self

    @property
    def content_sha256(self) -> str:
        """Tells one revision of a ``data_id`` from the next.

        SHA-256 (hex) over title, text, declarations and file metadata: what an author edits.
        """
        content = self.model_dump(mode="json", include={"title", "text", "declared", "metadata"})
        canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


class LabelledPost(Post):
    """A post with what a moderator should see in it; the corpus is made of these.

    ``evidence`` quotes exact substrings of title, text, name or bio: the words that offend, or
    on a clean post the words that clear it.
    """

    labels: tuple[Category, ...]
    clauses: tuple[str, ...]
    protected: tuple[str, ...]
    evidence: tuple[str, ...]
    severity: Annotated[int, Field(ge=0, le=4)]
    note: str
    evasion: str | None = None

    @model_validator(mode="after")
    def _labels_agree(self) -> Self:
        known = taxonomy()
        unknown = known.unknown(self.clauses, self.protected)
        if unknown:
            raise ValueError(f"not in the taxonomy: {', '.join(unknown)}")
        if {known.category_of[c] for c in self.clauses} != set(self.labels):
            raise ValueError(f"clauses {self.clauses} and labels {self.labels} disagree")
        if self.labels and self.protected:
            raise ValueError("a violation cannot be of a protected class")
        if bool(self.labels) != bool(self.severity):
            raise ValueError(f"severity {self.severity} does not fit labels {self.labels}")
        return self


class PostError(MingbianError):
    """A post was refused. ``pointer`` is a JSON pointer (RFC 6901) into the item."""

    def __init__(self, code: str, pointer: str, detail: str, data_id: str | None) -> None:
        """``data_id`` is the caller's, where it could be read."""
        super().__init__(f"{pointer or '(item)'}: {detail}")
        self.code = code
        self.pointer = pointer
        self.detail = detail
        self.data_id = data_id


#: pydantic's error types, as far as callers tell them apart
_CODES = {
    "extra_forbidden": "unknown_field",
    "json_invalid": "invalid_json",
    "literal_error": "unknown_value",
    "missing": "missing_field",
    "not_finite": "not_finite",
    "string_pattern_mismatch": "control_character",
    "string_too_long": "too_long",
    "string_too_short": "blank",
    "too_long": "too_long",
    "value_error": "blank",
}


def parse_post(raw: str | bytes) -> Post:
    """The post in one JSON text (UTF-8).

    Raises:
        PostError: the first fault by pointer; further ones are counted in ``detail``.
    """
    try:
        return Post.model_validate_json(raw)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise _post_error(faults[0], len(faults) - 1, _data_id(raw)) from None


def _finite(value: JsonValue) -> bool:
    """Whether every number in it is one; parsers read ``1e999`` as infinity."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, float) and not math.isfinite(found):
            return False
        if isinstance(found, dict | list):
            waiting.extend(found.values() if isinstance(found, dict) else found)
    return True


def _post_error(fault: Mapping[str, Any], more: int, data_id: str | None) -> PostError:
    code = _CODES.get(fault["type"], "invalid_type")
    detail = fault["msg"].removeprefix("Value error, ")
    pointer = "".join(f"/{_escape(part)}" for part in fault["loc"])
    if code == "blank" and not pointer:
        pointer = "/data_id" if detail.startswith("data_id") else "/text"
    if more:
        detail += f" (and {more} more)"
    return PostError(code, pointer, detail, data_id)


def _escape(part: int | str) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _data_id(raw: str | bytes) -> str | None:
    """The id of an item that was refused, if it can still be read."""
    try:
        item = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    data_id = item.get("data_id") if isinstance(item, dict) else None
    if not isinstance(data_id, str) or not data_id.isprintable():
        return None
    return data_id
