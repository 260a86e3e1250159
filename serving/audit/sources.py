"""What is audited: files, folders, globs and object stores, as one stream of rows."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import fsspec

from labels.errors import InputError
from labels.records import PostError
from labels.yamlfile import Strict
from serving.engine import Item
from serving.files import Columns, Format, check_fields, format_of, read_items

_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
#: names that writers of folders give to what holds no rows
_BOOKKEEPING = (".", "_")


class SourceFile(Strict):
    """A file, by its name below what all files share, and its size in bytes."""

    name: str
    size: int


class ColumnMapping(Strict):
    """A YAML file: which column or JSON key holds a field of a post; others are not read."""

    columns: dict[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it came. ``number`` counts from 1 within its file, 0 is the file as a whole."""

    file: str
    number: int
    item: Item


class Sources:
    """Files in a fixed order, read one after another."""

    def __init__(self, urls: Sequence[str], mapping: ColumnMapping | None) -> None:
        """Find the files.

        Args:
            urls: files, folders, globs; anything fsspec opens, such as ``s3://bucket/posts``.
            mapping: see :class:`ColumnMapping`.

        Raises:
            InputError: nothing there, a file of a format that is not read, a mapping of what is
                no field of a post, or no driver for a store.
        """
        if mapping:
            check_fields(list(mapping.columns), "columns")
        self._columns: Columns | None = mapping.columns if mapping else None
        found = [place for url in urls for place in _found(url)]
        places = sorted({path: (fs, path) for fs, path in found}.values(), key=lambda p: p[1])
        shared = _shared([path for _, path in places])
        self._places = {path[len(shared) :]: (fs, path) for fs, path in places}
        for name in self._places:
            _form(name)
        self.files = tuple(
            SourceFile(name=name, size=fs.size(path)) for name, (fs, path) in self._places.items()
        )

    def rows(self) -> Iterator[Row]:
        """Every row; a file that cannot be read, or holds none, is a row of number 0."""
        for name in self._places:
            yield from self._rows(name)

    def _rows(self, name: str) -> Iterator[Row]:
        fs, path = self._places[name]
        number = 0
        try:
            with fs.open(path, "rb", compression=_COMPRESSIONS.get(_suffix(name))) as file:
                for number, item in enumerate(
                    read_items(file, _form(name), name, self._columns), 1
                ):
                    yield Row(name, number, item)
        except (InputError, OSError, EOFError, ValueError) as error:
            detail = f"{error}; rows after {number} were not read"
            yield Row(name, 0, PostError("unreadable_file", "", detail, None))
            return
        if not number:
            yield Row(name, 0, PostError("empty_file", "", f"{name}: holds no rows", None))


def _found(url: str) -> list[tuple[Any, str]]:
    try:
        fs, paths = fsspec.core.url_to_fs(url)
        named = fs.glob(paths) if any(sign in paths for sign in "*?[") else [paths]
        files = [
            path
            for place in named
            for path in (fs.find(place) if fs.isdir(place) else [place])
            if path == place or not _bookkeeping(path, place)
        ]
        missing = [path for path in files if not fs.isfile(path)]
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{url}: cannot be listed: {error}") from None
    if missing or not files:
        raise InputError(f"{url}: nothing there", remedy="name files, folders or globs")
    return [(fs, path) for path in files]


def _bookkeeping(path: str, folder: str) -> bool:
    parts = PurePosixPath(path[len(folder) :]).parts
    return any(part.startswith(_BOOKKEEPING) for part in parts)


def _shared(paths: Sequence[str]) -> str:
    """The folder above all files, with its last slash."""
    if not paths:
        return ""
    folder = os.path.commonpath([str(PurePosixPath(path).parent) for path in paths])
    return f"{folder.rstrip('/')}/" if folder else ""


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _form(name: str) -> Format:
    return format_of(name[: -len(_suffix(name))] if _suffix(name) in _COMPRESSIONS else name)
