"""Verdicts become labels: what counts of several, what is masked, nothing is lost on the way."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import datasets
import pytest
from click.testing import CliRunner, Result

from labels.errors import MingbianError
from labels.label_events import LabelEvent, Origin, read_events, settled
from labels.label_studio import interface, tasks
from labels.masking import masked, masked_post
from labels.records import Post
from labels.results import Version
from labels.samples import Verdict
from mingbian import cli
from tests.conftest import Run, make_post
from tests.serving.test_moderation import Staff, staff

__all__ = ["staff"]

_VERSION = Version(id="m", version="1", sha256="0" * 64)
_START = datetime(2026, 11, 1, tzinfo=UTC)


def labels(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, ["labels", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, (MingbianError, SystemExit)):
        raise result.exception
    return result


def event(
    number: int, origin: Origin, verdict: Verdict, *clauses: str, post: Post | None = None
) -> LabelEvent:
    return LabelEvent(
        event_id=f"e{number}",
        at=_START + timedelta(days=number),
        origin=origin,
        annotator="amy",
        post=post or make_post(),
        verdict=verdict,
        clauses=clauses,
        weight=1.0,
        model=_VERSION,
        policy=_VERSION,
    )


def test_verdicts_and_appeals_leave_the_store(
    staff: Staff, store_url: str, tmp_path: Path, call: Run
) -> None:
    """Upheld, dismissed, confirmed by two, overturned: each with who said so and how surely."""
    upheld = staff.sanctioned()
    dismissed = staff.suspect(2)
    complaint = {"reporter_id": "reader-9", "data_id": "p2", "reason": "假医生"}
    staff.post("/v1/reports", staff.users, complaint, 201)
    staff.decide(staff.case_of(dismissed), staff.amy, "none", clauses=[])
    overturned = staff.sanctioned()
    staff.appeal(overturned)
    staff.answer(overturned, "overturn")
    out = tmp_path / "events.jsonl"
    assert call("labels", "export", "--store", store_url, "--out", str(out)).returncode == 0
    found = {each.event_id: each for each in read_events(out)}
    assert set(found) == {
        f"{upheld}.review", f"{dismissed}.review", f"{overturned}.review", f"{overturned}.appeal",
    }  # fmt: skip
    first = found[f"{upheld}.review"]
    assert (first.verdict, first.clauses, first.annotator) == (Verdict.VIOLATION, ("4.3",), "amy")
    assert first.sentence == "三个疗程停掉降压药"
    assert first.post.author
    assert first.post.author.account_id is None
    assert found[f"{dismissed}.review"].verdict is Verdict.CLEAN
    assert first.reporters == ()
    (reporter,) = found[f"{dismissed}.review"].reporters
    assert "reader" not in reporter
    last = found[f"{overturned}.appeal"]
    assert (last.verdict, last.annotator, last.origin) == (Verdict.CLEAN, "cat", Origin.APPEAL)

    settle = labels("settle", out, "--out", tmp_path / "settled.jsonl")
    assert "1 in conflict" in settle.output
    counted = {each.event_id for each in read_events(tmp_path / "settled.jsonl")}
    assert f"{overturned}.appeal" in counted
    assert f"{overturned}.review" not in counted

    folder = tmp_path / "dataset"
    to = ("--to", "dataset", "--out", str(folder))
    assert call("labels", "export", "--store", store_url, *to).returncode == 0
    table = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert set(table["verdict"]) == {"violation", "clean"}


def test_label_studio_gives_back_what_annotators_said(tmp_path: Path) -> None:
    """The event rides along; an answer that is none is told with its task."""
    source = tmp_path / "events.jsonl"
    lines = [event(1, Origin.REVIEW, Verdict.VIOLATION, "4.3").model_dump_json()]
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    tasks = _tasks(source, tmp_path)
    answer: dict[str, Any] = {
        "id": 7,
        "completed_by": {"email": "zoe"},
        "created_at": "2026-11-05T08:00:00Z",
        "result": [
            {"from_name": "verdict", "value": {"choices": ["clean"]}},
            {"from_name": "protected", "value": {"choices": ["satire_or_hyperbole"]}},
        ],
    }
    tasks[0]["annotations"] = [answer, {**answer, "id": 8, "was_cancelled": True}]
    told = tmp_path / "told.json"
    told.write_text(json.dumps(tasks), encoding="utf-8")
    assert labels("import", told, "--out", tmp_path / "back.jsonl").exit_code == 0
    (back,) = read_events(tmp_path / "back.jsonl")
    assert (back.verdict, back.annotator, back.protected) == (
        Verdict.CLEAN,
        "zoe",
        ("satire_or_hyperbole",),
    )
    assert back.post == make_post()
    answer["result"] = [{"from_name": "verdict", "value": {"choices": ["violation"]}}]
    told.write_text(json.dumps(tasks), encoding="utf-8")
    assert "task 0: no answer of ours" in str(labels("import", told, "--out", "x").exception)


def _tasks(source: Path, tmp_path: Path) -> list[dict[str, Any]]:

    made = list(tasks(read_events(source)))
    assert 'name="clauses"' in interface()
    found: list[dict[str, Any]] = json.loads(json.dumps(made))
    return found


def test_who_outranks_counts_and_of_equals_the_later() -> None:
    """An appeal over two reviewers over one; nobody's doubt sets a finding aside."""
    one = event(1, Origin.REVIEW, Verdict.VIOLATION, "4.1")
    later = event(3, Origin.REVIEW, Verdict.CLEAN)
    two = event(2, Origin.TWO_REVIEWERS, Verdict.VIOLATION, "4.3")
    appeal = event(0, Origin.APPEAL, Verdict.CLEAN)
    doubt = event(9, Origin.APPEAL, Verdict.UNSURE)
    for events, counts in (
        ([one, later], later),
        ([later, two, one], two),
        ([two, appeal], appeal),
        ([one, doubt], one),
    ):
        (found,) = settled(events)
        assert found.event == counts
        assert counts not in found.against
    edited = event(4, Origin.REVIEW, Verdict.CLEAN, post=make_post(text="改过的话"))
    assert len(settled([one, edited])) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("打13812345678或010-12345678", "打00000000000或00000000000"),
        ("写信到wen.lan@example.cn", "写信到某某邮箱"),
        ("身份证11010119900307391X别外传", "身份证000000别外传"),
        ("加微信：wenlan_88领", "加微信：某某领"),
        ("@心内科温岚 说的", "@用户 说的"),
        ("卡号6222 0212 3456 7890 123", "卡号0000"),
        ("京A·12345追尾", "某A00000追尾"),
        ("涨了1200元，2026年11月", "涨了1200元，2026年11月"),
    ],
)
def test_personal_data_is_masked(text: str, expected: str) -> None:
    """Numbers that name a person are ciphers; sums and dates stay."""
    assert masked(text) == expected


def test_a_masked_post_keeps_what_is_evidence() -> None:
    """Name and bio stay, the account's number and the file's metadata go."""
    author = {"account_id": "u1", "display_name": "温主任", "bio": "电话13812345678"}
    post = masked_post(make_post(author=author, metadata={"gps": 1}, callback="x"))
    assert post.author
    assert (post.author.account_id, post.author.display_name) == (None, "温主任")
    assert post.author.bio == "电话00000000000"
    assert post.metadata is None
    assert post.callback is None
