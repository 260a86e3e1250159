"""The console's pages as plain forms: what they show, refuse and keep."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from serving import console
from serving.console.words import words
from serving.desk import Desk
from tests.conftest import FAKE_DOCTOR
from tests.serving.conftest import give_password, serving
from tests.serving.test_moderation import Staff, staff
from tests.serving.visitor import Visitor

__all__ = ["staff"]

FINDINGS = {
    "verdict": "decide",
    "clauses": ["4.3"],
    "claim_status": "false",
    "sentence": "三个疗程停掉降压药",
    "number_0": "《中国高血压防治指南》",
    "retrieved_0": "2026-11-29",
    "reasons": "指南写明降压药不可自行停用",
}


def test_what_cannot_be_carried_out_loses_nothing(staff: Staff, desk: Desk) -> None:
    """Too harsh, without evidence, without reasons, a link that is none: told, and still there."""
    give_password(desk, "amy")
    amy = Visitor(staff.client)
    case_id = staff.case_of(staff.suspect())
    path = f"/console/cases/{case_id}"
    amy.sign_in("amy")
    amy.post(f"{path}/claim")
    for change, told in (
        ({"step": "closure"}, "重于认定"),
        ({"step": "warning", "number_0": ""}, "重于认定"),
        ({"step": "warning", "sentence": ""}, "处置理由不完整"),
        ({"step": "warning", "reasons": " "}, "请写明理由"),
        ({"step": "warning", "claim_status": ""}, "填写有误"),
        ({"step": "warning", "link_0": "javascript:alert(1)"}, "须以 https://"),
        ({"step": "warning", "retrieved_0": "昨天"}, "须写明取得日期"),
    ):
        page = amy.post(f"{path}/decide", 422, **{**FINDINGS, **change})
        assert told in page
        assert 'value="4.3" checked' in page
        if change.get("reasons") is None:
            assert FINDINGS["reasons"] in page
    assert staff.get(f"/v1/cases/{case_id}", staff.amy)["case"]["state"] == "open"
    amy.post(f"{path}/decide", **{**FINDINGS, "step": "warning"})
    (due,) = staff.get("/v1/sanctions", staff.platform)["sanctions"]
    assert due["step"] == "warning"
    assert FINDINGS["reasons"] in amy.get(path)


def test_only_permitted_steps_are_offered(staff: Staff, desk: Desk) -> None:
    """By the rule itself: nothing but a dismissal at first, more as more is found."""
    give_password(desk, "amy")
    amy = Visitor(staff.client)
    path = f"/console/cases/{staff.case_of(staff.suspect())}"
    amy.sign_in("amy")
    amy.post(f"{path}/claim")

    def steps(**fields: Any) -> dict[str, int]:
        amy.get(path)
        amy.post(f"{path}/permitted", **fields)
        return dict(amy.answer.json()["steps"])

    assert steps(claim_status="") == {"none": 0}
    assert list(steps(**FINDINGS)) == ["none", "prompt", "warning"]
    grave = steps(**FINDINGS, aggravators="safety_harm")
    assert (grave["long_mute"], list(grave)[-1]) == (90, "long_mute")
    assert list(steps(**{**FINDINGS, "claim_status": "unverified"})) == ["none", "prompt"]


def test_what_a_second_reviewer_wrote_is_read_by_the_first(staff: Staff, desk: Desk) -> None:
    """Sent back with reasons, the case begins anew; without reasons it stays where it is."""
    give_password(desk, "amy", "ben")
    path = f"/console/cases/{staff.case_of(staff.suspect())}"
    amy, ben = Visitor.beside(staff.client), Visitor.beside(staff.client)
    amy.sign_in("amy")
    amy.post(f"{path}/claim")
    amy.post(f"{path}/decide", **{**FINDINGS, "step": "long_mute", "aggravators": "safety_harm"})
    assert "等待另一位审核员" in amy.get(path)
    ben.sign_in("ben")
    ben.post("/console/next")
    assert FINDINGS["reasons"] in ben.answer.text
    assert "请写明理由" in ben.post(f"{path}/decide", 422, verdict="reject", reasons="")
    ben.post(f"{path}/decide", verdict="reject", reasons="引文与原件不符")
    told = amy.get(path)
    assert "引文与原件不符" in told
    assert "复审退回" in told


def test_colleagues_see_who_holds_what(staff: Staff, desk: Desk) -> None:
    """In the queue and on the case; a lead may release it; the next claim passes it over."""
    give_password(desk, "amy", "ben", "cat")
    first = staff.case_of(staff.suspect(1))
    second = staff.case_of(staff.suspect(2))
    amy, ben, cat = (Visitor.beside(staff.client) for _ in range(3))
    amy.sign_in("amy")
    amy.post("/console/next")
    held = amy.answer.url.path.rpartition("/")[2]
    ben.sign_in("ben")
    assert "amy" in ben.get("/console?held=others")
    assert "amy 领取至" in ben.get(f"/console/cases/{held}")
    ben.post(f"/console/cases/{held}/claim", 409)
    ben.get("/console")
    ben.post("/console/next")
    other = ben.answer.url.path.rpartition("/")[2]
    assert {held, other} == {first, second}
    ben.get("/console")
    assert "没有可领取的案件" in ben.post("/console/next")
    cat.sign_in("cat")
    cat.post(f"/console/cases/{held}/release")
    assert "amy" not in cat.get("/console?held=others")


def test_filters_and_saved_views(staff: Staff, desk: Desk) -> None:
    """Each filter keeps what fits and hides what does not; a named one is one's own."""
    give_password(desk, "amy", "ben")
    staff.suspect()
    report = {"reporter_id": "r1", "data_id": "p1", "reason": "冒充医生"}
    amy, ben = (Visitor.beside(staff.client) for _ in range(2))
    amy.sign_in("amy")
    for fits, misses in (
        ("category=false_specialist", "category=distortion"),
        ("clause=4.3", "clause=1.1"),
        ("risk=medium", "risk=low"),
        ("reported=false", "reported=true"),
        ("kind=review", "kind=appeal"),
        ("held=free", "held=mine"),
        ("protected=false", "protected=true"),
        ("state=open", "state=closed"),
        ("category=&clause=", "older_than=1"),
    ):
        assert "4.3 未经" in queue_of(amy, fits), fits
        assert "没有符合条件的案件" in queue_of(amy, misses), misses
    staff.post("/v1/reports", staff.users, report, 201)
    assert "4.3 未经" in queue_of(amy, "reported=true")
    amy.get("/console?clause=nine", 422)
    amy.get("/console?clause=4.3&reported=true")
    amy.post("/console/views", name="举报<b>", queue="clause=4.3&reported=true")
    link = '<a href="/console?clause=4.3&amp;reported=true"><bdi>举报&lt;b&gt;</bdi></a>'
    assert link in amy.get("/console")
    ben.sign_in("ben")
    assert "举报&lt;b&gt;" not in ben.get("/console")
    amy.get("/console")
    amy.post("/console/views/remove", name="举报<b>")
    assert "举报&lt;b&gt;" not in amy.get("/console")


def queue_of(visitor: Visitor, query: str) -> str:
    return visitor.get(f"/console?{query}").partition('<table class="queue">')[2] or (
        visitor.answer.text
    )


def test_copies_and_decided_cases_are_shown(staff: Staff, desk: Desk) -> None:
    """With what became of them; a post that shares nothing is not among them."""
    give_password(desk, "amy")
    staff.sanctioned()
    copy = {**FAKE_DOCTOR, "data_id": "copy", "text": "转发：" + FAKE_DOCTOR["text"]}
    other = {
        **FAKE_DOCTOR,
        "data_id": "other",
        "text": "独家：明早全城停水三天，水务局内部人士已确认，赶紧囤水，别等通知。",
    }
    for item in (copy, other):
        report = {"reporter_id": "r", "data_id": item["data_id"], "reason": "假", "post": item}
        staff.post("/v1/reports", staff.users, report, 201)
    amy = Visitor(staff.client)
    amy.sign_in("amy")
    waiting = [case["case_id"] for case in staff.get("/v1/cases", staff.amy)["cases"]]
    ids = {
        staff.get(f"/v1/cases/{case_id}", staff.amy)["post"]["data_id"]: case_id
        for case_id in waiting
    }
    near = amy.get(f"/console/cases/{ids['copy']}").partition("相近案件")[2]
    assert "p1" in near
    assert "警告" in near
    near = amy.get(f"/console/cases/{ids['other']}").partition("近似重复")[2].partition("措辞")[0]
    assert "p1" not in near


def test_a_long_record_is_told_from_its_newest(staff: Staff, desk: Desk) -> None:
    """Fifty decisions, and how many there are."""
    give_password(desk, "amy")
    at = datetime.now(UTC) - timedelta(days=51)
    items = [
        {"decision_id": f"o{n}", "at": str(at + timedelta(days=n)), "step": "prompt", "days": 0}
        for n in range(51)
    ]
    staff.post("/v1/accounts/u1/history", staff.platform, {"items": items}, 201)
    amy = Visitor(staff.client)
    amy.sign_in("amy")
    record = amy.get("/console/accounts/u1").partition("record-title")[2].partition("</table>")[0]
    assert "只列最近 50 条，共 51 条" in record
    assert record.count("<time") == 50
    assert f"{at:%Y-%m-%d}T" not in record


def test_english_is_a_choice(local_desk: Desk) -> None:
    """Chinese first; the choice stays, and leads back to where it was made."""
    with serving(local_desk) as client:
        assert '<html lang="zh-CN">' in client.get("/console").text
        answer = client.get("/console/language/en?next=/console/accounts")
        assert answer.url.path == "/console/accounts"
        assert '<html lang="en">' in answer.text
        away = client.get("/console/language/en?next=https://example.org/", follow_redirects=False)
        assert away.headers["location"] == "/console"


def test_every_word_is_used_and_every_use_has_words() -> None:
    """In both languages; keys that templates put together begin as some word does."""
    folder = Path(console.__file__).parent
    texts = "".join(
        path.read_text(encoding="utf-8")
        for path in (*folder.glob("templates/*.html"), *folder.glob("*.py"))
    )
    whole = set(re.findall(r"""(?:\bt|say)\(f?["']([\w.]+)["'][,)]""", texts))
    begun = set(re.findall(r"""(?:\bt|say|knows)\(f?["']([\w.]+\.)(?:["'] ~|\{)""", texts))
    assert whole <= set(words()), whole - set(words())
    assert all(any(key.startswith(start) for key in words()) for start in begun)
    unused = {key for key in words() if key not in whole and not key.startswith(tuple(begun))}
    assert unused == set()
    assert all(all(both) for both in words().values())
