"""Every format gives the same posts, and a bad row costs only itself."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labels.errors import InputError
from labels.records import Post, PostError, parse_post
from serving.files import MAX_ITEM_BYTES, Format, open_source

POST: dict[str, Any] = {
    "data_id": "p1",
    "text": "第一行，\n“第二行”",
    "title": None,
    "published_at": "2026-11-20T08:00:00+08:00",
    "author": {"verified_as": "professional", "credentials": ["医师执业证书"], "bio": "眼科"},
    "declared": {"ai_generated": False, "fiction": None, "event_date": "2026-11-19"},
    "metadata": {"AIGC": {"Label": "1"}},
}


def parsed(path: Path, form: Format | None = None) -> list[Post | PostError]:
    found: list[Post | PostError] = []
    with open_source(str(path), form) as source:
        for item in source.items:
            try:
                found.append(parse_post(item) if not isinstance(item, PostError) else item)
            except PostError as error:
                found.append(error)
        if source.total is not None:
            assert source.position() == source.total
    return found


def codes(found: Sequence[Post | PostError]) -> list[str]:
    return [item.code if isinstance(item, PostError) else "ok" for item in found]


def test_jsonl_csv_and_parquet_give_the_same_post(tmp_path: Path) -> None:
    """Nested fields are dotted columns in CSV, and either way in Parquet."""
    expected = parse_post(json.dumps(POST))
    jsonl, table, flat = tmp_path / "a.jsonl", tmp_path / "a.csv", tmp_path / "flat.parquet"
    jsonl.write_text("\ufeff" + json.dumps(POST, ensure_ascii=False) + "\r\n", encoding="utf-8")
    table.write_text(
        "\ufeffdata_id,text,title,published_at,author.verified_as,author.credentials,author.bio,"
        "declared.ai_generated,declared.fiction,declared.event_date,metadata\n"
        'p1,"第一行，\n“第二行”",,2026-11-20T08:00:00+08:00,professional,"[""医师执业证书""]",眼科,'
        'FALSE,,2026-11-19,"{""AIGC"": {""Label"": ""1""}}"\n',
        encoding="utf-8",
    )
    at = datetime(2026, 11, 20, tzinfo=UTC)
    column = {key: [value] for key, value in POST.items()} | {"published_at": [at]}
    pq.write_table(pa.table(column), tmp_path / "nested.parquet")
    dotted = {f"author.{key}": [value] for key, value in POST["author"].items()}
    dotted |= {"data_id": ["p1"], "text": [POST["text"]]}
    pq.write_table(pa.table(dotted), flat)
    assert parsed(jsonl) == [expected]
    assert parsed(table) == [expected]
    (nested,) = parsed(tmp_path / "nested.parquet")
    assert nested == expected
    (from_flat,) = parsed(flat)
    assert isinstance(from_flat, Post)
    assert from_flat.author == expected.author


def test_bad_lines_cost_only_themselves(tmp_path: Path) -> None:
    """Cut JSON, wrong encoding, blank and endless lines between good ones."""
    good = json.dumps(POST).encode()
    lines = [
        good,
        good[:40],
        b"",
        '{"data_id":"a","text":"好"}'.encode("gbk"),
        b"x" * (MAX_ITEM_BYTES - 1),
    ]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([*lines, b"y" * 10 + b"z" * MAX_ITEM_BYTES, good]))
    expected = ["ok", "invalid_json", "blank", "invalid_json", "invalid_json", "too_long", "ok"]
    assert codes(parsed(path)) == expected


def test_bad_csv_rows_cost_only_themselves(tmp_path: Path) -> None:
    """Too few cells, too many, undecodable bytes, a word where a list belongs."""
    path = tmp_path / "a.csv"
    rows = [
        b"data_id,text,author.credentials",
        b"a,x,",
        b"b",
        b"c,x,,y",
        b"d,\xff\xfe,",
        b"e,x,none",
    ]
    path.write_bytes(b"\n".join(rows) + b"\n")
    expected = ["ok", "invalid_csv", "invalid_csv", "invalid_json", "invalid_type"]
    assert codes(parsed(path)) == expected


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"data_id,text,label\n1,x,y\n", "no field of a post: column 'label'"),
        ("a.parquet", b"not parquet", "not Parquet"),
        ("a.xlsx", b"", "does not end in"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    """Before anything is scored, with what to do about it."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=told):
        parsed(path)


def test_an_unknown_parquet_column_is_refused(tmp_path: Path) -> None:
    """Dropping it in silence might drop the text."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"data_id": ["a"], "content": ["x"]}), path)
    with pytest.raises(InputError, match="'content'"):
        parsed(path)


def test_empty_files_hold_no_posts(tmp_path: Path) -> None:
    """Nothing in, nothing out, no error."""
    for name in ("a.jsonl", "a.csv"):
        (tmp_path / name).write_bytes(b"")
        assert parsed(tmp_path / name) == []
