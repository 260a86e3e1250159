"""The moderators' console at a real browser: by keyboard, and with posts that attack it."""

import re
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

from benchmarks.browser import Moderator, chromium, listening
from serving.app import Settings, create_app
from serving.desk import Desk
from serving.people import Role
from serving.store import upkeep
from tests.conftest import FAKE_DOCTOR
from tests.serving.conftest import PASSWORD, add_user, give_password, needs_chromium, serving
from tests.serving.test_moderation import Staff, staff

__all__ = ["staff"]


@needs_chromium
def test_from_a_score_to_a_repaired_record_at_a_browser(staff: Staff, desk: Desk) -> None:
    """Two decide by keyboard, the platform enforces, a third overturns; no page has a fault."""
    give_password(desk, "amy", "ben", "cat")
    decision_id = staff.suspect()
    with ExitStack() as stack:
        address = stack.enter_context(listening(create_app(desk, Settings())))
        browser = stack.enter_context(chromium())
        amy, ben, cat = (Moderator(browser, address) for _ in range(3))
        amy.sign_in("amy", "wrong")
        assert "用户名或密码不对" in amy.look()
        amy.sign_in("amy", PASSWORD)
        assert "4.3 未经科学验证或明显违背科学常识" in amy.look()
        amy.press("n")
        find_by_keyboard(amy)
        assert "等待另一位审核员" in amy.look()
        assert staff.get("/v1/sanctions", staff.platform)["sanctions"] == []

        ben.sign_in("ben", PASSWORD)
        ben.press("n")
        assert "amy 初审认定" in ben.look()
        ben.write("w", "同意初审，证据充分")
        ben.decide(1)
        (due,) = staff.get("/v1/sanctions", staff.platform)["sanctions"]
        assert (due["step"], due["state"]) == ("long_mute", "due")
        staff.post(f"/v1/sanctions/{decision_id}/applied", staff.platform)
        (message,) = staff.get("/v1/accounts/u1/inbox", staff.users)["messages"]
        assert "三个疗程停掉降压药" in message["reasons"]["zh"]

        staff.appeal(decision_id)
        amy.page.goto(f"/console/cases/{staff.case_of(decision_id)}")
        assert "你参与过这项决定，不能审理它" in amy.look()
        cat.sign_in("cat", PASSWORD)
        cat.press("n")
        told = cat.look()
        for words in ("我是有证医师", "结束处置：长期禁言", "同意初审，证据充分", "消除这次违规"):
            assert words in told
        cat.write("w", "已核对执业证书，原认定有误")
        cat.decide(2)
        cat.page.goto("/console/accounts/u1")
        told = cat.look()
        for words in ("没有正在执行的处置", "没有有效的违规记录", "申诉已撤销", "amy", "查阅记录"):
            assert words in told
        assert [*amy.faults, *ben.faults, *cat.faults] == []
    record = staff.get("/v1/accounts/u1/record", staff.amy)
    assert (record["enforcement"], record["strikes"]["long_mute"]) == (None, 0)
    with desk.database.read() as connection:
        assert upkeep.verify(connection).faults == ()


def find_by_keyboard(amy: Moderator) -> None:
    """A long mute for harm to safety, without a mouse; taken back once before it is sent."""
    page, keyboard = amy.page, amy.page.keyboard
    page.wait_for_selector("mark")
    amy.reach("input[name=clauses][value='4.3']")
    keyboard.press("Space")
    keyboard.press("1")
    select_words(page, "三个疗程停掉降压药")
    keyboard.press("q")
    assert page.input_value("#sentence") == "三个疗程停掉降压药"
    keyboard.press("Escape")
    amy.write("e", "《中国高血压防治指南》")
    amy.reach("details:has([name=aggravators]) > summary")
    keyboard.press("Enter")
    amy.reach("[name=aggravators][value=safety_harm]")
    keyboard.press("Space")
    amy.write("w", "指南写明不可自行停药，危及生命")
    page.wait_for_selector("button[value=long_mute]:enabled")
    assert amy.look()
    keyboard.press("Shift+Digit5")
    page.wait_for_selector("#undo:not([hidden])")
    keyboard.press("Escape")
    page.wait_for_selector("#undo", state="hidden")
    amy.decide(5)


@needs_chromium
def test_every_action_of_a_case_has_a_way_by_keyboard(staff: Staff, desk: Desk) -> None:
    """Tab reaches every control, of each form; every key does what the list of keys says."""
    give_password(desk, "amy", "ben", "cat")
    waiting, second, decided = staff.suspect(), staff.suspect(2), staff.sanctioned()
    staff.decide(staff.case_of(second), staff.amy, "long_mute", aggravators=["safety_harm"])
    staff.appeal(decided)
    with listening(create_app(desk, Settings())) as address, chromium() as browser:
        amy, ben, cat = (Moderator(browser, address) for _ in range(3))
        for who, name in ((amy, "amy"), (ben, "ben"), (cat, "cat")):
            who.sign_in(name, PASSWORD)
            who.reach_all()
        for who, decision_id in ((ben, second), (cat, decided), (amy, waiting)):
            who.page.goto(f"/console/cases/{staff.case_of(decision_id)}")
            who.press("c")
            assert "你领取至" in who.look()
            who.reach_all()
        use_every_key(amy)
        assert [*amy.faults, *ben.faults, *cat.faults] == []


def use_every_key(amy: Moderator) -> None:
    """On a case that she holds."""
    page, keyboard = amy.page, amy.page.keyboard
    page.reload()
    page.wait_for_selector("mark")
    suspected = page.locator("[name=clauses][data-key]")
    for place in range(suspected.count()):
        keyboard.press("asdf"[place])
        assert suspected.nth(place).is_checked()
    for number, status in enumerate(("false", "misleading", "unverified", "true", "not_a_claim")):
        keyboard.press(str(number + 1))
        assert page.is_checked(f"[name=claim_status][value={status}]")
    quoted = []
    for _ in range(page.locator("[data-field] mark").count() + 1):
        keyboard.press("q")
        quoted.append(page.input_value("#sentence"))
        keyboard.press("Escape")
    assert all(quoted)
    assert quoted[0] == quoted[-1], "after the last the first again"
    assert "三个疗程停掉降压药" in "".join(quoted)
    for key, field in (("e", "number_0"), ("w", "reasons")):
        amy.write(key, f"写在{field}")
        assert page.input_value(f"[name={field}]") == f"写在{field}"
    keyboard.press("?")
    assert page.get_attribute("#keys", "open") is not None
    amy.reach("#reveal")
    keyboard.press("Space")
    assert page.is_checked("#reveal")
    keyboard.press("Escape")
    amy.press("c")
    amy.press("r")
    assert page.url.partition("?")[0].endswith("/console")


def select_words(page: Any, words: str) -> None:
    """As a reviewer does with the mouse or Shift and the arrows."""
    page.evaluate(
        """words => {
          const field = document.querySelector('[data-field=text]');
          const walker = document.createTreeWalker(field, NodeFilter.SHOW_TEXT);
          for (let node; (node = walker.nextNode());) {
            const at = node.data.indexOf(words);
            if (at >= 0) getSelection().setBaseAndExtent(node, at, node, at + words.length);
          }
        }""",
        words,
    )


@needs_chromium
def test_a_case_is_decided_without_scripts(staff: Staff, desk: Desk) -> None:
    """A refusal is told on the same page, with what was filled in; then it is taken."""
    give_password(desk, "amy")
    staff.suspect()
    with listening(create_app(desk, Settings())) as address, chromium() as browser:
        amy = Moderator(browser, address, scripts=False)
        amy.sign_in("amy", PASSWORD)
        page = amy.page
        page.click("button:has-text('领取下一件')")
        page.check("[name=clauses][value='4.3']")
        page.check("[name=claim_status][value=false]")
        page.fill("[name=reasons]", "指南写明不可自行停药")
        page.click("button[value=closure]")
        assert "重于认定" in page.inner_text("main")
        assert page.input_value("[name=reasons]") == "指南写明不可自行停药"
        page.fill("[name=sentence]", "三个疗程停掉降压药")
        page.fill("[name=number_0]", "《中国高血压防治指南》")
        page.click("button[value=warning]")
        assert "已提交，案件结案" in page.inner_text("main")
        assert amy.faults == []
    (due,) = staff.get("/v1/sanctions", staff.platform)["sanctions"]
    assert due["step"] == "warning"


@needs_chromium
def test_a_link_on_another_site_leads_in(local_desk: Desk) -> None:
    """Who is signed in stays so, though the browser sends no cookie along from there."""
    add_user(local_desk, "amy", Role.MODERATOR)
    give_password(local_desk, "amy")
    with listening(create_app(local_desk, Settings())) as address, chromium() as browser:
        amy = Moderator(browser, address)
        elsewhere = address.replace("127.0.0.1", "localhost")
        path = "/console/accounts/a%20b?x=1"
        follow = "to => { location.href = to; }"
        amy.page.goto(f"{elsewhere}/console/sign-in")
        amy.page.evaluate(follow, f"{address}{path}")
        amy.page.wait_for_url(f"{address}/console/sign-in?next=*")
        amy.sign_in("amy", PASSWORD)
        amy.page.goto(f"{elsewhere}/console/sign-in")
        amy.page.evaluate(follow, f"{address}{path}")
        amy.page.wait_for_selector("#record-title")
        assert amy.page.url == f"{address}{path}"
        assert amy.faults == []


HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(2)>"
    "\"' onfocus=alert(3) autofocus x='{{ 7*7 }}\u202e\u2066"
    + FAKE_DOCTOR["text"]
    + "\u202e txt.exe",
    "endless": FAKE_DOCTOR["text"] + "W" * (20_000 - len(FAKE_DOCTOR["text"])),
    "flood": FAKE_DOCTOR["text"] + "\u200b\u200c\u200d\u2060\u0336\u0489" * 500,
}


@needs_chromium
def test_hostile_posts_stay_readable_and_harmless(local_desk: Desk) -> None:
    """Scripts, handlers, overrides, an endless word, a flood of characters without a width."""
    app = create_app(local_desk, Settings())
    with serving(local_desk) as client, listening(app) as address, chromium() as browser:
        for name, text in HOSTILE.items():
            author = {**FAKE_DOCTOR["author"], "account_id": f"<b>{name}</b>", "bio": text[:5000]}
            author["display_name"] = text[:100]
            post = {**FAKE_DOCTOR, "data_id": f"{name}<i>", "text": text, "author": author}
            report = {"reporter_id": "r", "data_id": f"{name}<i>", "reason": text[:100]}
            assert client.post("/v1/reports", json={**report, "post": post}).status_code == 201
        for width in (1440, 390):
            reader = Moderator(browser, address, width)
            for case in client.get("/v1/cases").json()["cases"]:
                reader.page.goto(f"/console/accounts/{quote(case['account_id'], safe='')}")
                reader.page.goto(f"/console/cases/{case['case_id']}")
                shown = reader.look()
                assert "三个疗程停掉降压药" in re.sub(r"[0-9. \n]", "", shown)
                assert not set(shown) & set("\u202e\u2066\u200b\u200c\u200d\u2060")
                assert "49" not in reader.page.inner_text("[data-field=text]")
                box = reader.page.locator("[data-field=text]").bounding_box()
                assert box
                assert box["height"] < 700
            assert reader.faults == []
