"""What differs between two packs, field by field, whatever their order and comments."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policy.pack import LoadedPack


@dataclass(frozen=True, slots=True)
class Change:
    """A field, such as ``categories.distortion.review``; None on the side that lacks it."""

    field: str
    old: str | None
    new: str | None


def changes(old: LoadedPack, new: LoadedPack) -> list[Change]:
    """Every field whose value differs, in the order of a pack; values are told as JSON."""
    before, after = (
        dict(_fields(each.pack.model_dump(mode="json", by_alias=True))) for each in (old, new)
    )
    return [
        Change(field, before.get(field), after.get(field))
        for field in dict.fromkeys([*before, *after])
        if before.get(field) != after.get(field)
    ]


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _fields(each, f"{path}.{name}" if path else name)
    else:
        yield path, json.dumps(value, ensure_ascii=False)
