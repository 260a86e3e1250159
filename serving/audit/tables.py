"""The tables of an audit, and how a file of them appears whole or not at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from labels.cases import LabelFacts
from labels.taxonomy import Category

#: columns of what labels and declarations say, by the field of :class:`labels.cases.LabelFacts`
FACTS = {name: f"label_{name}" for name in LabelFacts.model_fields}
_ROW = [
    pa.field("row", pa.int64()),
    pa.field("file", pa.string()),
    pa.field("file_row", pa.int64()),
    pa.field("data_id", pa.string()),
]
_POST = [
    pa.field("account_id", pa.string()),
    pa.field("account_type", pa.string()),
    pa.field("platform", pa.string()),
    # Beijing time where the post named no zone
    pa.field("published_at", pa.timestamp("us", tz="UTC")),
    pa.field("characters", pa.int64()),
    # posts with the same input have the same scores
    pa.field("input", pa.int64()),
    pa.field("content", pa.binary(16)),
    pa.field("ai_state", pa.string()),
    pa.field("warnings", pa.list_(pa.string())),
    *(pa.field(column, pa.bool_()) for column in FACTS.values()),
]
#: rows that were read, before they are scored
READ = pa.schema([*_ROW, *_POST])
#: rows that were refused; ``file_row`` 0 is the file as a whole
ERRORS = pa.schema(
    [*_ROW, *(pa.field(name, pa.string()) for name in ("code", "pointer", "detail"))]
)
#: one decision a post; ``scores`` hold at the population's rates, ``clauses`` were raised
DECISIONS = pa.schema(
    [
        *_ROW,
        *_POST,
        pa.field("suggestion", pa.string()),
        *(pa.field(category.value, pa.float64()) for category in Category),
        pa.field("machine_written", pa.float64()),
        pa.field("clauses", pa.list_(pa.string())),
        pa.field("levels", pa.list_(pa.string())),
        pa.field("protected", pa.list_(pa.string())),
        pa.field("step", pa.string()),
        pa.field("days", pa.int64()),
        pa.field("reviewers", pa.int64()),
        pa.field("strikes", pa.list_(pa.int64(), 3)),
        pa.field("text_coverage", pa.float64()),
        pa.field("stage", pa.string()),
        pa.field("model_sha256", pa.string()),
        pa.field("policy_sha256", pa.string()),
    ]
)
#: which cluster a content belongs to, named by the first of its contents
CLUSTERS = pa.schema([pa.field("content", pa.binary(16)), pa.field("cluster", pa.binary(16))])
#: distinct inputs, as JSON of a post
INPUTS = pa.schema([pa.field("post", pa.string())])


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name to write to; the file appears under its own when all is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    yield part
    part.replace(path)


def write(path: Path, columns: Mapping[str, Sequence[Any]], schema: pa.Schema) -> None:
    """A Parquet file of these columns."""
    with replacing(path) as part:
        pq.write_table(pa.table(columns, schema=schema), part, compression="zstd")


def join(paths: Iterable[Path], target: Path, schema: pa.Schema) -> int:
    """Files behind one another as one; how many rows it has."""
    rows = 0
    with replacing(target) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for path in paths:
            table = pq.read_table(path)
            rows += len(table)
            if len(table):
                writer.write_table(table)
    return rows
