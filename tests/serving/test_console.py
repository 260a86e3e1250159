"""The moderators' console, as people use it and as attackers would."""

import re
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from benchmarks.browser import CHROMIUM, Moderator, chromium, listening
from serving import people
from serving.app import Settings, create_app
from serving.desk import Desk
from serving.store import upkeep
from tests.serving.test_moderation import Staff, staff

__all__ = ["staff"]

PASSWORD = "correct horse battery"  # noqa: S105 - of nobody
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def give_password(desk: Desk, *names: str) -> None:
    with desk.database.write() as connection:
        for name in names:
            people.set_password(connection, name, PASSWORD)


class Visitor:
    """A browser without scripts: cookies, links and forms."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.answer: Response

    def get(self, path: str, status: int = 200) -> str:
        self.answer = self.client.get(path)
        assert self.answer.status_code == status, self.answer.text
        return self.answer.text

    def post(self, path: str, status: int = 200, **fields: Any) -> str:
        token = re.search(r'name="form_token" value="(\w+)"', self.answer.text)
        assert token
        self.answer = self.client.post(path, data={"form_token": token[1], "queue": "", **fields})
        assert self.answer.status_code == status, self.answer.text
        return self.answer.text

    def sign_in(self, user: str, password: str = PASSWORD, status: int = 200) -> str:
        self.get("/console/sign-in")
        return self.post("/console/sign-in", status, user=user, password=password, next="/console")


FINDINGS = {
    "verdict": "decide",
    "clauses": ["4.3"],
    "claim_status": "false",
    "sentence": "三个疗程停掉降压药",
    "number_0": "《中国高血压防治指南》",
    "retrieved_0": "2026-11-29",
    "reasons": "指南写明降压药不可自行停用",
}


@needs_chromium
def test_from_a_score_to_a_repaired_record_at_a_browser(staff: Staff, desk: Desk) -> None:
    """Two decide by keyboard, the platform enforces, a third overturns; no page has a fault."""
    give_password(desk, "amy", "ben", "cat")
    decision_id = staff.suspect()
    with ExitStack() as stack:
        address = stack.enter_context(listening(create_app(desk, Settings())))
        browser = stack.enter_context(chromium())
        amy, ben, cat = (Moderator(browser, address) for _ in range(3))
        amy.sign_in("amy", PASSWORD)
        assert "4.3 未经科学验证或明显违背科学常识" in amy.look()
        amy.press("n")
        find_by_keyboard(amy)
        assert "等待另一位审核员" in amy.look()
        assert staff.get("/v1/sanctions", staff.platform)["sanctions"] == []

        ben.sign_in("ben", PASSWORD)
        ben.press("n")
        assert "amy 初审认定" in ben.look()
        ben.page.keyboard.press("w")
        ben.page.keyboard.type("同意初审，证据充分")
        ben.page.keyboard.press("Escape")
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
        cat.page.keyboard.press("w")
        cat.page.keyboard.type("已核对执业证书，原认定有误")
        cat.page.keyboard.press("Escape")
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
    page.locator("input[name=clauses][value='4.3']").focus()
    keyboard.press("Space")
    keyboard.press("1")
    select_words(page, "三个疗程停掉降压药")
    keyboard.press("q")
    assert page.input_value("#sentence") == "三个疗程停掉降压药"
    keyboard.press("Escape")
    keyboard.press("e")
    keyboard.type("《中国高血压防治指南》")
    keyboard.press("Escape")
    page.locator("details:has([name=aggravators]) > summary").focus()
    keyboard.press("Enter")
    page.locator("[name=aggravators][value=safety_harm]").focus()
    keyboard.press("Space")
    keyboard.press("w")
    keyboard.type("指南写明不可自行停药，危及生命")
    keyboard.press("Escape")
    page.wait_for_selector("button[value=long_mute]:enabled")
    assert amy.look()
    keyboard.press("Shift+Digit5")
    page.wait_for_selector("#undo:not([hidden])")
    keyboard.press("Escape")
    page.wait_for_selector("#undo", state="hidden")
    amy.decide(5)


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
