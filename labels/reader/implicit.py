"""Implicit labels: the ``AIGC`` record that a generator writes into a file.

Source: GB 45438-2025, Annex E (JSON), TC260-PG-20258A (YAML front matter). Deviations seen in
the wild are survived: a wrong Label value, YAML at the end of a file or in a code fence, other
field order, misspelt fields, vendors' own fields, a record that is a JSON text within JSON.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, cast

import yaml

LabelValue = Literal["1", "2", "3"]
LABEL_VALUES = ("1", "2", "3")
FIELDS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
_MAX_DEPTH = 12
#: a record has seven short fields; what is longer, or comes later, is none
_MAX_BLOCK_CHARS = 2_000
_MAX_BLOCKS = 8


@dataclass(frozen=True, slots=True)
class ImplicitLabel:
    """One AIGC record. ``label`` is None where it is missing or not "1", "2" or "3".

    ``deviations`` names each difference from Annex E that was survived.
    """

    label: LabelValue | None
    fields: Mapping[str, str]
    deviations: tuple[str, ...]
    carrier: Literal["metadata", "text"]


def read_implicit(metadata: object, text: str) -> tuple[ImplicitLabel, ...]:
    """Every AIGC record in a post's file metadata (any JSON) and in YAML blocks of its text."""
    found = [_label(value, "metadata") for value in _in_json(metadata, 0)]
    return (*found, *(_label(value, "text") for value in _in_yaml(text)))


def _in_json(value: object, depth: int) -> Iterator[object]:
    """The values of all keys that hold ``AIGC``, however deep."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if "aigc" in str(key).lower() and inner is not None:
                yield _parsed(inner) if isinstance(inner, str) else inner
            else:
                yield from _in_json(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _in_json(inner, depth + 1)


def _parsed(text: str) -> object:
    """A text that is JSON for an object, as that object; any other text as it is."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


_YAML_KEY = re.compile(
    r"^(?P<indent>[ \t]*)[\"']?AIGC[\"']?[ \t]*:(?P<rest>[^\n]*)\n?", re.I | re.M
)


def _in_yaml(text: str) -> Iterator[object]:
    """Mappings under a line ``AIGC:``; a line of prose that begins so is none."""
    for match in islice(_YAML_KEY.finditer(text), _MAX_BLOCKS):
        following = text[match.end() : match.end() + _MAX_BLOCK_CHARS]
        block = f"{match['rest']}\n{_deeper_lines(following, match['indent'])}".strip("\n")
        try:
            value = yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506 - makes only text
        except (yaml.YAMLError, RecursionError):
            continue
        if isinstance(value, str):
            value = _parsed(value)
        if isinstance(value, Mapping):
            yield value


def _deeper_lines(text: str, indent: str) -> str:
    lines = []
    for line in text.split("\n"):
        if line.strip() and not line.startswith((indent + " ", indent + "\t")):
            break
        lines.append(line)
    return "\n".join(lines)


def _label(value: object, carrier: Literal["metadata", "text"]) -> ImplicitLabel:
    if not isinstance(value, Mapping):
        return ImplicitLabel(None, {}, (f"not an object: {_shown(value)}",), carrier)
    fields = {_field_name(key): inner for key, inner in value.items()}
    text_fields = {key: _shown(inner) for key, inner in fields.items()}
    return ImplicitLabel(
        _label_value(fields), text_fields, tuple(_deviations(value, fields)), carrier
    )


def _label_value(fields: Mapping[str, Any]) -> LabelValue | None:
    label = fields.get("Label")
    if isinstance(label, str) and label in LABEL_VALUES:
        return cast("LabelValue", label)
    return None


def _shown(value: object) -> str:
    """A value as text, short; of a nested one, whose text may be endless, only the type."""
    if isinstance(value, str | int | float | None):
        return str(value)[:_MAX_BLOCK_CHARS]
    return type(value).__name__


def _field_name(key: Any) -> str:
    """The field of Annex E that a key means; case and the misspelling ReserveCode are forgiven."""
    plain = str(key).lower().replace("reservecode", "reservedcode")
    return next((name for name in FIELDS if name.lower() == plain), str(key))


def _deviations(raw: Mapping[Any, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    if _label_value(fields) is None:
        yield f'Label is {_shown(fields.get("Label"))}, not the string "1", "2" or "3"'
    yield from (f"{key} is not spelt as in Annex E" for key in raw if _field_name(key) != str(key))
    yield from (f"{key} is not a field of Annex E" for key in fields if key not in FIELDS)
    yield from (f"{name} is missing" for name in FIELDS[1:3] if not fields.get(name))
