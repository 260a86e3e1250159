"""Posts in files: JSONL, CSV and Parquet, read as a stream of JSON items."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from labels.errors import InputError
from labels.records import Author, Declared, Post, PostError
from serving.engine import Item

Format = Literal["jsonl", "csv", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
STDIN = "-"

#: a post of 20,000 characters takes a fraction of this, file metadata included
MAX_ITEM_BYTES = 4 * 1024 * 1024
_PARQUET_ROWS = 256

_SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}
_NESTED: dict[str, type[Author] | type[Declared]] = {"author": Author, "declared": Declared}
#: CSV cells that hold JSON rather than text
_JSON_CELLS = {"author.credentials", "metadata"} | {
    f"declared.{name}" for name in Declared.model_fields if name not in ("source", "event_date")
}


@dataclass(frozen=True, slots=True)
class Source:
    """Items of one input. ``position`` counts up to ``total``; both are None for a stream."""

    items: Iterator[Item]
    total: int | None
    position: Callable[[], int]


@contextmanager
def open_source(path: str, form: Format | None) -> Iterator[Source]:
    """The posts in a file, or on standard input (``-``).

    Args:
        path: the file's end names its format unless ``form`` does; standard input is JSONL.
        form: the format, if the path does not tell.

    Raises:
        InputError: no such file, unknown format, unreadable container, or a column that is no
            field of a post. Faults of single rows come as items instead.
    """
    chosen = form or _format_of(path)
    with _opened(path) as file:
        total = None if path == STDIN else Path(path).stat().st_size
        if chosen == "jsonl":
            yield Source(_jsonl(file), total, file.tell if total is not None else lambda: 0)
        elif chosen == "csv":
            yield Source(_csv(file, path), total, file.tell if total is not None else lambda: 0)
        else:
            yield _parquet(file, path)


def _format_of(path: str) -> Format:
    if path == STDIN:
        return "jsonl"
    form = _SUFFIXES.get(Path(path).suffix.lower())
    if form is None:
        raise InputError(
            f"{path}: the name does not end in {', '.join(_SUFFIXES)}",
            remedy=f"say --format {'|'.join(FORMATS)}",
        )
    return form


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(path).open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    with file:
        yield file


def _jsonl(file: BinaryIO) -> Iterator[Item]:
    first = True
    while line := file.readline(MAX_ITEM_BYTES + 1):
        if len(line) > MAX_ITEM_BYTES:
            _skip_rest_of_line(file, line)
            yield PostError("too_long", "", f"line of over {MAX_ITEM_BYTES} bytes", None)
            continue
        if first:
            line, first = line.removeprefix(b"\xef\xbb\xbf"), False
        yield line.strip(b"\r\n") if line.strip() else PostError("blank", "", "blank line", None)


def _skip_rest_of_line(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_ITEM_BYTES)


def _csv(file: BinaryIO, path: str) -> Iterator[Item]:
    csv.field_size_limit(MAX_ITEM_BYTES)
    # undecodable bytes become lone surrogates, which the JSON parser refuses row by row
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.reader(text)
    try:
        header = next(rows, [])
        _check_columns(header, path)
        for row in rows:
            yield _csv_item(header, row)
    except csv.Error as error:
        raise InputError(f"{path}: line {rows.line_num}: not CSV: {error}") from None
    finally:
        text.detach()


def _csv_item(header: list[str], row: list[str]) -> Item:
    if not row:
        return PostError("blank", "", "blank line", None)
    if len(row) != len(header):
        return PostError("invalid_csv", "", f"{len(row)} cells under {len(header)} columns", None)
    cells = {name: _cell(name, cell) for name, cell in zip(header, row, strict=True) if cell}
    return json.dumps(_unflattened(cells))


def _cell(name: str, cell: str) -> Any:
    if name not in _JSON_CELLS:
        return cell
    try:
        return json.loads(cell.lower() if name.startswith("declared.") else cell)
    except (ValueError, RecursionError):
        return cell  # refused as a post, with its pointer


def _parquet(file: BinaryIO, path: str) -> Source:
    try:
        table = pq.ParquetFile(file if path != STDIN else io.BytesIO(file.read()))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not Parquet: {error}") from None
    _check_columns(table.schema_arrow.names, path)
    done = 0

    def items() -> Iterator[Item]:
        nonlocal done
        for batch in table.iter_batches(batch_size=_PARQUET_ROWS):
            for row in batch.to_pylist():
                done += 1
                yield _parquet_item(row)

    return Source(items(), table.metadata.num_rows, lambda: done)


def _parquet_item(row: Mapping[str, Any]) -> Item:
    try:
        return json.dumps(_unflattened(row), default=_json_value)
    except TypeError as error:
        return PostError("invalid_type", "", str(error), None)


def _json_value(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _check_columns(names: list[str], path: str) -> None:
    known = set(Post.model_fields)
    known |= {
        f"{outer}.{inner}" for outer, model in _NESTED.items() for inner in model.model_fields
    }
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            f"{path}: no field of a post: column {', '.join(map(repr, unknown))}",
            remedy="drop or rename it; nested fields are spelt author.bio, declared.fiction",
        )


def _unflattened(cells: Mapping[str, Any]) -> dict[str, Any]:
    """``{"author.bio": x}`` as ``{"author": {"bio": x}}``."""
    item: dict[str, Any] = {}
    for name, value in cells.items():
        outer, _, inner = name.partition(".")
        if not inner:
            item[name] = value
        elif value is not None:
            item.setdefault(outer, {})[inner] = value
    return item
