"""The console's queue, and what stands around a case: found, told and passed over as it should."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text, update

from serving.desk import Desk
from serving.people import Role
from serving.store.schema import appeals, cases, decisions
from tests.conftest import FAKE_DOCTOR
from tests.serving.conftest import add_user, give_password, serving
from tests.serving.test_console_pages import FINDINGS, queue_of
from tests.serving.test_moderation import Staff, staff
from tests.serving.visitor import Visitor

__all__ = ["staff"]


def signed_in(staff: Staff, desk: Desk, name: str) -> Visitor:
    """At a browser of their own."""
    give_password(desk, name)
    found = Visitor.beside(staff.client)
    found.sign_in(name)
    return found


def protect(desk: Desk, decision_id: str, *codes: str) -> None:
    """As if the model had thought the post protected speech."""
    mine = decisions.c.decision_id == decision_id
    classes = {"protected": bool(codes), "protected_classes": f" {' '.join(codes)} "}
    with desk.database.write() as connection:
        result: Any = dict(connection.scalar(select(decisions.c.result).where(mine)))
        result["protected"] = [{"code": code, "score": 0.9} for code in codes]
        connection.execute(update(decisions).where(mine).values(result=result))
        mine = cases.c.decision_id == decision_id
        connection.execute(update(cases).where(mine).values(classes))


def test_protected_classes_are_named_and_asked_for(staff: Staff, desk: Desk) -> None:
    """One class by its name, in the console and over the API; none that does not exist."""
    amy = signed_in(staff, desk, "amy")
    protect(desk, staff.suspect(), "policy_criticism", "debunking_quote")
    named = "可能受保护：批评、质疑或建议修改政策、引用谣言以辟谣"
    assert named in queue_of(amy, "protected_class=policy_criticism")
    assert "没有符合条件的案件" in queue_of(amy, "protected_class=labelled_ai")
    amy.get("/console?protected_class=everything", 422)
    for code, found in (("debunking_quote", 1), ("labelled_ai", 0)):
        told = staff.get(f"/v1/cases?protected_class={code}", staff.amy)
        assert len(told["cases"]) == found


def test_ones_own_cases_do_not_hide_the_next(staff: Staff, desk: Desk) -> None:
    """However many wait before it for somebody else: for a second person, or as an appeal."""
    amy = signed_in(staff, desk, "amy")
    for _ in range(21):
        staff.appeal(staff.sanctioned("prompt"))
    own = staff.suspect(101)
    staff.decide(staff.case_of(own), staff.amy, "long_mute", aggravators=["safety_harm"])
    free = staff.case_of(staff.suspect(102))
    amy.get("/console")
    amy.post("/console/next")
    assert amy.answer.url.path == f"/console/cases/{free}"
    amy.get("/console")
    assert "没有可领取的案件" in amy.post("/console/next")


def test_who_sent_a_case_back_does_not_judge_its_appeal(staff: Staff, desk: Desk) -> None:
    """Ben rejected what amy found first, and agreed with nothing."""
    decision_id = staff.suspect()
    case_id = staff.case_of(decision_id)
    staff.decide(case_id, staff.amy, "long_mute", aggravators=["safety_harm"])
    staff.post(f"/v1/cases/{case_id}/claim", staff.ben)
    staff.post(
        f"/v1/cases/{case_id}/decide", staff.ben, {"verdict": "reject", "reasons": "证据不足"}
    )
    staff.decide(case_id, staff.amy, "warning")
    staff.post(f"/v1/sanctions/{decision_id}/applied", staff.platform)
    staff.appeal(decision_id)
    appeal = staff.case_of(decision_id)
    for who in (staff.amy, staff.ben):
        assert staff.post(f"/v1/cases/{appeal}/claim", who, status=403)["code"] == "own_decision"
    staff.post(f"/v1/cases/{appeal}/claim", staff.cat)


def test_deadlines_and_outcomes_are_listed(staff: Staff, desk: Desk) -> None:
    """When an appeal is to be answered; what became of closed cases, the newest first."""
    cat = signed_in(staff, desk, "cat")
    first, second = staff.sanctioned(), staff.sanctioned("prompt")
    staff.appeal(second)
    assert "答复期限" in queue_of(cat, "kind=appeal")
    with desk.database.write() as connection:
        late = datetime.now(UTC) - timedelta(hours=1)
        connection.execute(update(appeals).values(answer_due=late))
    assert "已逾期" in queue_of(cat, "kind=appeal")
    staff.answer(second, "overturn")
    listed = queue_of(cat, "state=closed")
    assert listed.index("撤销") < listed.index("提示补标") < listed.index("警告")
    assert "结案于" in listed
    with desk.database.read() as connection:
        closed = connection.scalar(
            select(cases.c.case_id).where(cases.c.decision_id == first, cases.c.kind == "review")
        )
    assert listed.index("警告") > listed.index(str(closed))


def test_a_case_says_what_users_reported(staff: Staff, desk: Desk) -> None:
    """The words and the category; never who."""
    amy = signed_in(staff, desk, "amy")
    decision_id = staff.suspect()
    for number in range(12):
        report = {
            "reporter_id": f"informer{number}",
            "data_id": "p1",
            "reason": f"他不是医生<b>{number}",
            "category": "false_specialist",
        }
        staff.post("/v1/reports", staff.users, report, 201)
    told = amy.get(f"/console/cases/{staff.case_of(decision_id)}")
    assert "他不是医生&lt;b&gt;11" in told
    assert "他不是医生&lt;b&gt;2<" in told
    assert "他不是医生&lt;b&gt;1<" not in told
    assert "只列最近 10 条" in told
    assert "informer" not in told


def test_cases_nearby_are_read_at_a_glance(staff: Staff, desk: Desk) -> None:
    """How their post begins, with its links veiled; its id leads to the case."""
    amy = signed_in(staff, desk, "amy")
    decided = staff.suspect()
    case_id = staff.case_of(decided)
    staff.decide(case_id, staff.amy, "warning")
    start = "见www.fake.example/a "
    copy = {**FAKE_DOCTOR, "data_id": "copy", "text": start + FAKE_DOCTOR["text"]}
    report = {"reporter_id": "r", "data_id": "copy", "reason": "假", "post": copy}
    staff.post("/v1/reports", staff.users, report, 201)
    (waiting,) = staff.get("/v1/cases", staff.amy)["cases"]
    near = amy.get(f"/console/cases/{waiting['case_id']}").partition("相近案件")[2]
    assert f'href="/console/cases/{case_id}"' in near
    assert FAKE_DOCTOR["text"][:40] in near
    staff.decide(waiting["case_id"], staff.amy, "none", clauses=[])
    near = amy.get(f"/console/cases/{case_id}").partition("相近案件")[2]
    assert '<span class="veiled">www.fake.example/a</span>' in near


def test_what_goes_wrong_is_a_page_with_a_way_out(local_desk: Desk) -> None:
    """An address that is none, a page that is not for one, a store that does not answer."""
    with serving(local_desk) as client:
        assert client.get("/console/").url.path == "/console"
        for path in ("/console/nothing", "/console/next", "/console/a/b"):
            answer = client.get(path)
            assert (answer.status_code, "没有找到" in answer.text) == (404, True)
            assert '<a href="/console/models">' in answer.text
            assert "default-src 'none'" in answer.headers["content-security-policy"]
        with local_desk.database.write() as connection:
            connection.execute(text("DROP TABLE saved_views"))
        assert "数据库暂时没有应答" in Visitor(client).get("/console", 503)
        add_user(local_desk, "dan", Role.POLICY_ADMIN)
        give_password(local_desk, "dan")
        dan = Visitor.beside(client)
        dan.sign_in("dan")
        refused = dan.get("/console", 403)
        assert "你的账号没有这项权限" in refused
        assert '<a href="/console/overview">回到审核台</a>' in refused


def test_what_is_left_out_is_named(local_desk: Desk) -> None:
    """In the visitor's language, by its field."""
    with serving(local_desk) as client:
        post = {**FAKE_DOCTOR, "data_id": "p1"}
        client.post("/v1/score", json={"items": [post]})
        visitor = Visitor(client)
        visitor.get("/console")
        visitor.post("/console/next")
        path = f"{visitor.answer.url.path}/decide"
        told = visitor.post(path, 422, **{**FINDINGS, "step": "warning", "retrieved_0": ""})
        assert "证据须写明取得日期" in told
        client.get("/console/language/en?next=/console")
        told = visitor.post(path, 422, **{**FINDINGS, "step": "warning", "reasons": " "})
        assert "Write down your reasons" in told
