"""Near-duplicates: contents that share most of their words, by MinHash.

They are put together for people to look at and never share a score. The same words alone are
ordinary speech: a cluster is a reason to look for common control (clauses 1.6 and 4.5).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from classifiers.rendering import content, content_digest
from labels.records import Post
from serving.audit.tables import write
from serving.minhash import BANDS, HASHES, MIN_CHARS, SIMILARITY, bands, signature

SIGNATURES = pa.schema(
    [
        pa.field("content", pa.binary(16)),
        pa.field("signature", pa.binary(HASHES * 4)),
        pa.field("bands", pa.list_(pa.uint64(), BANDS)),
    ]
)


def write_signatures(path: Path, posts: Sequence[Post]) -> None:
    """Signatures of contents that are long enough, each once."""
    texts = {content_digest(post): content(post) for post in posts}
    found = {key: signature(text) for key, text in texts.items() if len(text) >= MIN_CHARS}
    columns: dict[str, Sequence[Any]] = {
        "content": list(found),
        "signature": [each.tobytes() for each in found.values()],
        "bands": [bands(each) for each in found.values()],
    }
    write(path, columns, SIGNATURES)


def clusters(files: Path, connection: duckdb.DuckDBPyConnection) -> dict[bytes, bytes]:
    """For each content that is near another: the first content of its cluster.

    Args:
        files: glob of signature files.
        connection: that may spill to disk.
    """
    connection.execute(
        "CREATE TEMP TABLE signed AS SELECT content, any_value(signature) AS signature, "
        f"any_value(bands) AS bands FROM read_parquet('{files}') GROUP BY content"
    )
    heads: dict[bytes, bytes] = {}
    for first, second, one, other in _pairs(connection):
        same = np.frombuffer(one, np.uint32) == np.frombuffer(other, np.uint32)
        if same.mean() >= SIMILARITY:
            _join(heads, first, second)
    return {member: _head(heads, member) for member in sorted(heads)}


def _pairs(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    """Contents that agree in a band with the first of all that do."""
    found = connection.execute(
        """
        WITH banded AS (
            SELECT content, unnest(bands) AS band, generate_subscripts(bands, 1) AS place
            FROM signed
        ), grouped AS (
            SELECT content, min(content) OVER (PARTITION BY place, band) AS head FROM banded
        ), pairs AS (SELECT DISTINCT head, content FROM grouped WHERE head <> content)
        SELECT pairs.head, pairs.content, a.signature, b.signature
        FROM pairs JOIN signed a ON a.content = pairs.head JOIN signed b
            ON b.content = pairs.content
        ORDER BY 1, 2
        """
    )
    while rows := found.fetchmany(10_000):
        yield from rows


def _join(heads: dict[bytes, bytes], first: bytes, second: bytes) -> None:
    for each in (first, second):
        heads.setdefault(each, each)
    low, high = sorted((_head(heads, first), _head(heads, second)))
    heads[high] = low


def _head(heads: dict[bytes, bytes], member: bytes) -> bytes:
    while heads[member] != member:
        heads[member] = heads[heads[member]]
        member = heads[member]
    return member
