"""Records in lines of JSON."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from labels.errors import InputError

Record = TypeVar("Record")


def read_records(
    lines: Iterable[str | bytes], shape: TypeAdapter[Record], name: str, what: str, first: int = 1
) -> Iterator[Record]:
    """The record of each line.

    Args:
        lines: each one JSON text.
        shape: of a record.
        name: of the file, for messages.
        what: a record is called, for messages.
        first: number of the first line.

    Raises:
        InputError: a line is none, with its number.
    """
    for number, line in enumerate(lines, first):
        try:
            yield shape.validate_json(line)
        except ValidationError as error:
            raise InputError(f"{name}:{number}: no {what}: {error}") from None
