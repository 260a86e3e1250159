"""From a score to a sanction, an appeal and its repair, as several people do it over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.desk import Desk
from serving.people import Role
from serving.store import upkeep
from tests.conftest import FAKE_DOCTOR, REAL_DOCTOR
from tests.serving.conftest import Headers, add_user, serving

FOUND = {
    "clauses": ["4.3"],
    "claim_status": "false",
    "evidence": ["《中国高血压防治指南》：降压药不可自行停用"],
    "sentence": "三个疗程停掉降压药",
}


@dataclass
class Staff:
    """Who works here."""

    client: TestClient
    platform: Headers
    users: Headers
    amy: Headers
    ben: Headers
    cat: Headers
    admin: Headers

    def post(self, path: str, who: Headers, body: Any = None, status: int = 200) -> Any:
        """What is answered."""
        answer = self.client.post(path, json=body, headers=who)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path: str, who: Headers, status: int = 200) -> Any:
        """What is answered."""
        answer = self.client.get(path, headers=who)
        assert answer.status_code == status, answer.text
        return answer.json()

    def suspect(self, number: int = 1) -> str:
        """A post of account u1 is scored; its decision."""
        author = {**FAKE_DOCTOR["author"], "account_id": "u1"}
        item = {**FAKE_DOCTOR, "data_id": f"p{number}", "author": author}
        result = self.post("/v1/score", self.platform, {"items": [item]})["results"][0]
        assert result["suggestion"] in {"review", "act"}
        return str(result["decision_id"])

    def case_of(self, decision_id: str) -> str:
        """The case that waits on a decision."""
        found = self.get("/v1/cases", self.amy)["cases"]
        return str(next(c["case_id"] for c in found if c["decision_id"] == decision_id))

    def decide(self, case_id: str, who: Headers, step: str, **found: Any) -> Any:
        """Claim and decide."""
        self.post(f"/v1/cases/{case_id}/claim", who)
        body = {
            "verdict": "decide",
            "findings": {**FOUND, **found},
            "step": step,
            "reasons": "见指南",
        }
        return self.post(f"/v1/cases/{case_id}/decide", who, body)

    def sanctioned(self, step: str = "warning", **found: Any) -> str:
        """A decision by amy, and its sanction applied."""
        number = len(self.get("/v1/decisions", self.amy)["decisions"]) + 1
        decision_id = self.suspect(number)
        self.decide(self.case_of(decision_id), self.amy, step, **found)
        self.post(f"/v1/sanctions/{decision_id}/applied", self.platform)
        return decision_id

    def appeal(self, decision_id: str, status: int = 201) -> Any:
        """The owner contradicts."""
        body = {"decision_id": decision_id, "account_id": "u1", "statement": "我是有证医师"}
        return self.post("/v1/appeals", self.users, body, status)

    def answer(self, decision_id: str, verdict: str) -> Any:
        """Cat judges the appeal."""
        case_id = self.case_of(decision_id)
        self.post(f"/v1/cases/{case_id}/claim", self.cat)
        body = {"verdict": verdict, "reasons": "已核对执业证书"}
        return self.post(f"/v1/cases/{case_id}/decide", self.cat, body)


@pytest.fixture
def staff(desk: Desk) -> Iterator[Staff]:
    """Three reviewers, the platform, its users, and who keeps the policy."""
    people = {
        "platform": (Role.SCORER,),
        "users": (Role.REPORTER,),
        "amy": (Role.MODERATOR,),
        "ben": (Role.MODERATOR,),
        "cat": (Role.SENIOR,),
        "admin": (Role.POLICY_ADMIN,),
    }
    with serving(desk) as client:
        yield Staff(client, **{name: add_user(desk, name, *of) for name, of in people.items()})


def test_a_warning_from_score_to_inbox(staff: Staff) -> None:
    """One person decides; the platform is asked, does it, and the owner can read why."""
    decision_id = staff.suspect()
    assert staff.suspect() == decision_id, "the same content is one decision"
    case_id = staff.case_of(decision_id)
    shown = staff.get(f"/v1/cases/{case_id}", staff.amy)
    assert shown["post"]["text"] == FAKE_DOCTOR["text"]
    assert staff.decide(case_id, staff.amy, "warning")["state"] == "closed"
    (due,) = staff.get("/v1/sanctions", staff.platform)["sanctions"]
    assert (due["decision_id"], due["step"], due["state"]) == (decision_id, "warning", "due")
    done = staff.post(f"/v1/sanctions/{decision_id}/applied", staff.platform)
    assert done == staff.post(f"/v1/sanctions/{decision_id}/applied", staff.platform)
    (message,) = staff.get("/v1/accounts/u1/inbox", staff.users)["messages"]
    assert "三个疗程停掉降压药" in message["reasons"]["zh"]
    assert "amy" not in str(message)
    record = staff.get("/v1/accounts/u1/record", staff.amy)
    assert record["strikes"]["warning"] == 1
    assert record["next"]["S2"]["step"] == "short_mute"
    told = staff.get(f"/v1/decisions/{decision_id}", staff.amy)
    assert told["step"] == "warning"
    assert told["trace"]


def test_a_long_mute_needs_two_different_people(staff: Staff) -> None:
    """The first does not suffice, nor twice the first; a second who disagrees begins anew."""
    case_id = staff.case_of(staff.suspect())
    grave = {"aggravators": ["safety_harm"]}
    assert staff.decide(case_id, staff.amy, "long_mute", **grave)["state"] == "second"
    assert staff.get("/v1/sanctions", staff.platform)["sanctions"] == []
    refused = staff.post(f"/v1/cases/{case_id}/claim", staff.amy, status=403)
    assert refused["code"] == "own_decision"
    staff.post(f"/v1/cases/{case_id}/claim", staff.ben)
    second = {"verdict": "reject", "reasons": "证据不足"}
    assert staff.post(f"/v1/cases/{case_id}/decide", staff.ben, second)["state"] == "open"
    staff.decide(case_id, staff.ben, "long_mute", **grave)
    staff.post(f"/v1/cases/{case_id}/claim", staff.amy)
    second = {"verdict": "confirm", "reasons": "同意"}
    assert staff.post(f"/v1/cases/{case_id}/decide", staff.amy, second)["state"] == "closed"
    (due,) = staff.get("/v1/sanctions", staff.platform)["sanctions"]
    assert (due["step"], due["days"], due["pause_days"]) == ("long_mute", 90, 180)


def test_no_step_beyond_what_was_found(staff: Staff) -> None:
    """Floors hold over HTTP too; without evidence or words at issue nothing above a prompt."""
    case_id = staff.case_of(staff.suspect())
    staff.post(f"/v1/cases/{case_id}/claim", staff.amy)
    for findings, step, pointer in (
        (FOUND, "long_mute", "/step"),
        ({**FOUND, "claim_status": "unverified"}, "warning", "/step"),
        ({**FOUND, "sentence": None}, "warning", "/findings"),
    ):
        body = {"verdict": "decide", "findings": findings, "step": step, "reasons": "见指南"}
        refused = staff.post(f"/v1/cases/{case_id}/decide", staff.amy, body, status=422)
        assert refused["pointer"] == pointer
    assert staff.get(f"/v1/cases/{case_id}", staff.amy)["case"]["state"] == "open"


def test_an_appeal_that_succeeds_repairs_all_that_it_touched(staff: Staff, desk: Desk) -> None:
    """The second warning had become a mute; without the first it is one again, the mute ends."""
    first = staff.sanctioned()
    second = staff.sanctioned("short_mute")
    assert staff.get("/v1/accounts/u1/record", staff.amy)["enforcement"]["step"] == "short_mute"
    staff.appeal(first)
    case_id = staff.case_of(first)
    refused = staff.post(f"/v1/cases/{case_id}/claim", staff.amy, status=403)
    assert refused["code"] == "own_decision"
    answered = staff.answer(first, "overturn")
    assert [c["decision_id"] for c in answered["corrected"]] == [second]
    record = staff.get("/v1/accounts/u1/record", staff.amy)
    assert record["strikes"] == {"warning": 1, "short_mute": 0, "long_mute": 0}
    assert record["enforcement"] is None
    (lifted,) = staff.get("/v1/sanctions?state=lifted", staff.platform)["sanctions"]
    assert lifted["decision_id"] == first
    message = staff.get("/v1/accounts/u1/inbox", staff.users)["messages"][0]
    assert message["appeal"]["answer"] == "已核对执业证书"
    kinds = [event["kind"] for event in staff.get("/v1/events", staff.platform)["events"]]
    assert kinds.count("appeal.decided") == 1
    assert "sanction.expired" in kinds
    with desk.database.read() as connection:
        assert upkeep.verify(connection).faults == ()


def test_live_precision_counts_what_stands(staff: Staff, desk: Desk) -> None:
    """A verdict that an appeal undid was none."""
    first, _ = staff.sanctioned(), staff.sanctioned("prompt")
    staff.decide(staff.case_of(staff.suspect(8)), staff.amy, "none", clauses=[])
    headers = add_user(desk, "prometheus", Role.AUDITOR)

    def told() -> set[str]:
        text = staff.client.get("/metrics", headers=headers).text
        return {line for line in text.splitlines() if line.startswith("mingbian_verdicts{")}

    (before,) = {line for line in told() if 'upheld="true"' in line}
    assert before.endswith(" 2.0")
    staff.appeal(first)
    staff.answer(first, "overturn")
    (after,) = {line for line in told() if 'upheld="true"' in line}
    assert after.endswith(" 1.0")


def test_appeals_are_refused_by_name(staff: Staff) -> None:
    """Nothing to appeal, somebody else's, twice."""
    open_one = staff.suspect(9)
    assert staff.appeal(open_one, 409)["code"] == "NotAppealable"
    taken = staff.sanctioned()
    staff.appeal(taken)
    assert staff.appeal(taken, 409)["code"] == "AlreadyAppealed"
    body = {"decision_id": taken, "account_id": "u2", "statement": "不是我"}
    assert staff.post("/v1/appeals", staff.users, body, 404)["code"] == "not_found"
    staff.answer(taken, "uphold")
    assert staff.get("/v1/accounts/u1/record", staff.amy)["strikes"]["warning"] == 1


def test_a_report_moves_a_case_up_and_bad_faith_counts_less(staff: Staff) -> None:
    """A passed post can be reported with its text; what was decided settles the report."""
    calm, urgent = staff.suspect(1), staff.suspect(2)
    report = {"reporter_id": "r1", "data_id": "p2", "reason": "冒充医生"}
    staff.post("/v1/reports", staff.users, report, 201)
    order = [case["decision_id"] for case in staff.get("/v1/cases", staff.amy)["cases"]]
    assert order == [urgent, calm]
    innocent = {"reporter_id": "r2", "data_id": "real-doctor", "reason": "不喜欢"}
    refused = staff.post("/v1/reports", staff.users, innocent, 422)
    assert refused["code"] == "post_unknown"
    staff.post("/v1/reports", staff.users, {**innocent, "post": REAL_DOCTOR}, 201)
    passed = staff.get("/v1/posts/real-doctor/decisions", staff.amy)["decisions"][0]
    assert passed["suggestion"] == "pass"
    staff.decide(staff.case_of(passed["decision_id"]), staff.amy, "none", clauses=[])
    (mine,) = staff.get("/v1/reporters/r2/inbox", staff.users)["reports"]
    assert mine["outcome"] == "dismissed"
    ranks = {}
    for number, reporter in ((3, "r2"), (4, "r3")):
        decision_id = staff.suspect(number)
        body = {"reporter_id": reporter, "data_id": f"p{number}", "reason": "假"}
        staff.post("/v1/reports", staff.users, body, 201)
        ranks[reporter] = next(
            case["rank"]
            for case in staff.get("/v1/cases", staff.amy)["cases"]
            if case["decision_id"] == decision_id
        )
    assert ranks["r3"] < ranks["r2"]


def test_the_queue_is_asked_for_what_one_can_judge(staff: Staff) -> None:
    """By clause, holder, risk, age and reports; a clause that is none is refused."""
    case_id = staff.case_of(staff.suspect())
    for fits, misses in (
        ("clause=4.3", "clause=1.1"),
        ("held=free", "held=others"),
        ("risk=medium", "risk=low"),
        ("reported=false", "reported=true"),
    ):
        (found,) = staff.get(f"/v1/cases?{fits}", staff.amy)["cases"]
        assert found["case_id"] == case_id
        assert staff.get(f"/v1/cases?{misses}&older_than=1", staff.amy)["cases"] == []
    staff.post(f"/v1/cases/{case_id}/claim", staff.amy)
    assert staff.get("/v1/cases?held=mine", staff.amy)["cases"]
    assert staff.get("/v1/cases?held=others", staff.ben)["cases"]
    staff.get("/v1/cases?clause=9.9", staff.amy, 422)


def test_history_of_the_platform_counts(staff: Staff) -> None:
    """Imported once, however often it is sent; all items or none."""
    at = datetime.now(UTC) - timedelta(days=3)
    item = {"decision_id": "old-1", "at": at.isoformat(), "step": "warning", "days": 0}
    path = "/v1/accounts/u1/history"
    assert staff.post(path, staff.platform, {"items": [item]}, 201) == {"imported": 1, "known": 0}
    assert staff.post(path, staff.platform, {"items": [item]}, 201) == {"imported": 0, "known": 1}
    other = [{**item, "decision_id": "old-2"}, {**item, "step": "short_mute", "days": 7}]
    staff.post(path, staff.platform, {"items": other}, 409)
    assert staff.get("/v1/accounts/u1/record", staff.amy)["strikes"]["warning"] == 1
    decision_id = staff.suspect()
    staff.decide(staff.case_of(decision_id), staff.amy, "short_mute")


def test_a_mute_ends_once_when_its_time_is_over(staff: Staff, desk: Desk) -> None:
    """By the clock of the server, with one event."""
    at = datetime.now(UTC) - timedelta(days=3)
    item = {"decision_id": "old-1", "at": at.isoformat(), "step": "warning", "days": 0}
    staff.post("/v1/accounts/u1/history", staff.platform, {"items": [item]}, 201)
    staff.sanctioned("short_mute")
    from serving import sanctions  # noqa: PLC0415

    later = datetime.now(UTC) + timedelta(days=7)
    with desk.database.write() as connection:
        assert sanctions.expire(connection, later - timedelta(minutes=1)) == 0
        assert sanctions.expire(connection, later) == 1
        assert sanctions.expire(connection, later) == 0
    kinds = [event["kind"] for event in staff.get("/v1/events", staff.platform)["events"]]
    assert kinds.count("sanction.expired") == 1
