"""Public data sets lie packed; these read them line by line or whole."""

import csv
import io
import json
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: some articles are longer than the reader of CSV allows by itself
csv.field_size_limit(10_000_000)


def text(path: Path) -> str:
    """A file, unpacked if its name ends in ``.xz``; bytes that are no UTF-8 are replaced."""
    raw = path.read_bytes()
    if path.suffix == ".xz":
        raw = lzma.decompress(raw)
    return raw.decode("utf-8-sig", errors="replace")


def lines(path: Path) -> list[str]:
    """Lines of a file as they were written: rarer signs that end a line stay in it."""
    return text(path).removesuffix("\n").split("\n")


def table(path: Path, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Rows of a file with a header; a cell that is missing is empty."""
    reader = csv.DictReader(io.StringIO(text(path)), delimiter=delimiter)
    for row in reader:
        yield {name: value or "" for name, value in row.items() if name}


def objects(path: Path) -> Iterator[Any]:
    """JSON values written one after another, one a line, or in one list."""
    content, decoder, at = text(path), json.JSONDecoder(), 0
    while (at := _next(content, at)) < len(content):
        value, at = decoder.raw_decode(content, at)
        yield from value if isinstance(value, list) else [value]


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of the files in a tar archive."""
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file:
                yield Path(member.name).name, file.read()


def _next(content: str, at: int) -> int:
    """The next character that is neither space nor comma."""
    while at < len(content) and (content[at].isspace() or content[at] == ","):
        at += 1
    return at
