"""The labelled corpus as a ``datasets.Dataset``. Needs the ``train`` extra."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from labels.errors import CorpusError
from labels.records import LabelledPost, Post
from labels.taxonomy import taxonomy

if TYPE_CHECKING:
    import datasets

#: ids this close stay on one side of every split: writers return to a theme within a few rows
_BLOCK = 10
_ID = re.compile(r"(?P<stem>.*?)(?P<number>\d+)(?:-[ab])?")


def corpus_folder() -> Path:
    """The folder of the corpus that rides in the package."""
    return Path(str(resources.files("labels").joinpath("corpus")))


def unseen_writers_folder() -> Path:
    """The folder of posts by writers from whom no model ever learns."""
    return Path(str(resources.files("labels").joinpath("unseen_writers")))


def load_corpus(folder: Path) -> "datasets.Dataset":
    """All rows of a corpus folder, validated.

    Args:
        folder: one ``*.jsonl`` a writer; each line a :class:`labels.records.LabelledPost`.

    Returns:
        Columns ``post`` (the row as JSON text), ``writer`` (the file's stem) and ``group`` (ids
        that stay on one side of a split: contrast pairs and their neighbours).

    Raises:
        CorpusError: a file, a row or an id is at fault; all are listed.
    """
    import datasets  # noqa: PLC0415 - only the train extra has it

    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise CorpusError(f"no *.jsonl in {folder}", remedy="name a corpus folder")
    rows = [row for path in paths for row in _rows(path)]
    _check(rows)
    return datasets.Dataset.from_list(
        [{"post": r["post"], "writer": r["writer"], "group": r["group"]} for r in rows]
    )


def posts(corpus: "datasets.Dataset") -> list[LabelledPost]:
    """The rows of a loaded corpus as records."""
    return [LabelledPost.model_validate_json(row) for row in corpus["post"]]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        where = f"{path.name}:{number}"
        try:
            post = LabelledPost.model_validate_json(line)
        except ValidationError as error:
            yield {"fault": f"{where}: {error.errors()[0]['loc']}: {error.errors()[0]['msg']}"}
            continue
        yield {
            "fault": _evidence_fault(post, where),
            "where": where,
            "data_id": post.data_id,
            "post": line,
            "writer": path.stem,
            "group": split_group(path.stem, post.data_id),
        }


def split_group(writer: str, data_id: str) -> str:
    """The group of an id: both sides of a pair and up to ten neighbouring ids share one."""
    match = _ID.fullmatch(data_id)
    if not match:
        return f"{writer}/{data_id}"
    return f"{writer}/{match['stem']}{int(match['number']) // _BLOCK}"


def contrast_pairs(posts: Sequence[Post]) -> list[tuple[int, int]]:
    """Places of both sides of each contrast pair; their ids are ``<id>-a`` and ``<id>-b``."""
    places = {post.data_id: place for place, post in enumerate(posts)}
    return [
        (place, places[other])
        for data_id, place in places.items()
        if data_id.endswith("-a") and (other := data_id.removesuffix("-a") + "-b") in places
    ]


def _evidence_fault(post: LabelledPost, where: str) -> str | None:
    author = post.author
    fields = (post.title, post.text, author and author.display_name, author and author.bio)
    words = " ".join(field or "" for field in fields)
    missing = [e for e in post.evidence if e not in words]
    return f"{where}: evidence {missing[0]!r} is not in the post" if missing else None


def _check(rows: list[dict[str, Any]]) -> None:
    faults = [row["fault"] for row in rows if row["fault"]]
    seen: dict[str, str] = {}
    for row in (row for row in rows if "data_id" in row):
        if row["data_id"] in seen:
            faults.append(f"{row['where']}: id {row['data_id']} is also at {seen[row['data_id']]}")
        seen[row["data_id"]] = row["where"]
    if faults:
        raise CorpusError(f"{len(faults)} faults:\n" + "\n".join(faults))


def data_card(corpus: "datasets.Dataset") -> dict[str, Any]:
    """Counts of a corpus by writer, platform, verification, category, clause and protection."""
    rows = posts(corpus)
    known = taxonomy()
    clauses = Counter(clause for row in rows for clause in row.clauses)
    protected = Counter(code for row in rows for code in row.protected)
    return {
        "rows": len(rows),
        "violations": sum(bool(row.labels) for row in rows),
        "clean": sum(not row.labels for row in rows),
        "pairs": sum(row.data_id.endswith("-a") for row in rows),
        "sha256": corpus_sha256(corpus),
        "writers": _counted(Counter(corpus["writer"])),
        "platforms": _counted(Counter(row.platform for row in rows)),
        "verified_as": _counted(Counter(row.author and row.author.verified_as for row in rows)),
        "categories": _counted(Counter(label for row in rows for label in row.labels)),
        "clauses": {clause: clauses[clause] for clause in known.clauses},
        "protected": {code: protected[code] for code in known.protected},
    }


def corpus_sha256(corpus: "datasets.Dataset") -> str:
    """SHA-256 (hex) over the rows in order, each as canonical JSON."""
    digest = hashlib.sha256()
    for row in corpus["post"]:
        canonical = json.dumps(json.loads(row), ensure_ascii=False, sort_keys=True)
        digest.update(canonical.encode() + b"\n")
    return digest.hexdigest()


def _counted(counts: "Counter[Any]") -> Mapping[str, int]:
    return {str(key): count for key, count in counts.most_common()}
