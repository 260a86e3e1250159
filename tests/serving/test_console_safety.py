"""Who gets into the console, what a foreign page can make it do, and who looked at what."""

import asyncio
import re

from starlette.types import Message

from serving import people
from serving.app import Settings, create_app
from serving.console.viewing import views_of
from serving.desk import Desk
from serving.people import Role
from serving.store import upkeep
from tests.serving.conftest import PASSWORD, add_user, give_password, serving
from tests.serving.test_moderation import Staff, staff
from tests.serving.visitor import Visitor

__all__ = ["staff"]


def test_signing_in_and_out(staff: Staff, desk: Desk) -> None:
    """A wrong password, a name that is none, a session that ends, a person who was disabled."""
    give_password(desk, "amy", "ben")
    amy, ben = Visitor(staff.client), Visitor.beside(staff.client)
    assert "登录" in amy.get("/console")
    assert amy.answer.url.path == "/console/sign-in"
    for user, password in (("amy", "wrong"), ("nobody", PASSWORD), ("cat", PASSWORD)):
        assert "用户名或密码不对" in amy.sign_in(user, password, status=401)
    assert "待审队列" in amy.sign_in("amy")
    (cookie,) = amy.answer.history[-1].headers.get_list("set-cookie")
    assert {"HttpOnly", "SameSite=strict", "Path=/console"} <= set(cookie.split("; "))
    kept = dict(staff.client.cookies)
    amy.post("/console/sign-out")
    staff.client.cookies.update(kept)
    assert "登录" in amy.get("/console"), "a copied cookie is over too"
    ben.sign_in("ben")
    assert "待审队列" in ben.get("/console")
    with desk.database.write() as connection:
        people.disable_user(connection, "ben")
    ben.get("/console")
    assert ben.answer.url.path == "/console/sign-in"


def test_away_from_this_machine_cookies_go_over_tls_alone(local_desk: Desk) -> None:
    """``Secure``, and the page that a visitor asked for after signing in."""
    with serving(local_desk, Settings(local_only=False)) as client:
        add_user(local_desk, "amy", Role.MODERATOR)
        answer = client.get("/console/accounts?x=1", follow_redirects=False)
        assert answer.headers["location"] == "/console/sign-in?next=%2Fconsole%2Faccounts%3Fx%3D1"
        assert "Secure" in answer.headers["set-cookie"]


def test_guessing_passwords_is_slowed_down(local_desk: Desk) -> None:
    """Five attempts a minute for a name, whoever tries."""
    with serving(local_desk) as client:
        add_user(local_desk, "amy", Role.MODERATOR)
        visitor = Visitor(client)
        for _ in range(5):
            visitor.sign_in("amy", "wrong", status=401)
        assert "过于频繁" in visitor.sign_in("amy", "wrong", status=429)


def test_a_form_of_another_site_does_nothing(local_desk: Desk) -> None:
    """On a server without users too: no token, a wrong one, or a token without its cookie."""
    with serving(local_desk) as client:
        visitor = Visitor(client)
        token = re.search(r'name="form_token" value="(\w+)"', visitor.get("/console"))
        assert token
        for fields in ({}, {"form_token": "x"}, {"form_token": "é"}):
            refused = client.post("/console/next", data=fields)
            assert (refused.status_code, refused.headers["content-type"][:9]) == (403, "text/html")
        client.cookies.clear()
        assert client.post("/console/next", data={"form_token": token[1]}).status_code == 403
        assert client.post("/console/next", content=b"\xff=\xff").status_code == 422


def test_a_browser_that_leaves_amid_a_form_is_no_failure(local_desk: Desk) -> None:
    """As when somebody goes to the next case while the last form is on its way."""
    app, answers = create_app(local_desk, Settings()), []
    sent = iter(
        [
            {"type": "http.request", "body": b"form_token=", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> Message:
        return next(sent)

    async def send(message: Message) -> None:
        answers.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/console/sign-in",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "state": {},
    }
    asyncio.run(app(scope, receive, send))
    assert answers[0]["status"] == 422


def test_every_answer_forbids_what_pages_do_not_need(local_desk: Desk) -> None:
    """Pages, refusals, files and redirects."""
    with serving(local_desk) as client:
        style = re.search(r'href="(/console/static/[^"]+)"', client.get("/console").text)
        assert style
        for path in ("/console", "/console/cases/none", style[1], "/console/counts"):
            headers = client.get(path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
        text = client.get("/console").text
        assert "<script>" not in text
        assert not re.search(r"\son\w+=|style=|javascript:", text)


_MODELS = "/console/models"
PAGES: dict[str, set[Role]] = {
    "/console": {Role.MODERATOR, Role.SENIOR, Role.AUDITOR},
    "/console/counts": {Role.MODERATOR, Role.SENIOR, Role.AUDITOR},
    "/console/accounts/u1": {Role.MODERATOR, Role.SENIOR, Role.AUDITOR},
    "/console/overview": {Role.SENIOR, Role.POLICY_ADMIN, Role.AUDITOR},
    "/console/policies": {Role.SENIOR, Role.POLICY_ADMIN, Role.AUDITOR},
    _MODELS: {Role.MODERATOR, Role.SENIOR, Role.POLICY_ADMIN, Role.AUDITOR},
}


def test_roles_hold_in_the_console(local_desk: Desk) -> None:
    """Written down apart from the routes; an auditor looks and changes nothing."""
    with serving(local_desk) as client:
        for role in Role:
            add_user(local_desk, role.value, role)
            give_password(local_desk, role.value)
            visitor = Visitor.beside(client)
            allowed = role in PAGES["/console"]
            visitor.sign_in(role.value, status=200 if allowed or role in PAGES[_MODELS] else 403)
            for path, roles in PAGES.items():
                visitor.get(path, 200 if role in roles else 403)
            if allowed:
                visitor.get("/console")
                status = 403 if role is Role.AUDITOR else 200
                visitor.post("/console/next", status)
                viewers = "查阅记录" in visitor.get("/console/accounts/u1")
                assert viewers == (role is not Role.MODERATOR)


def test_every_look_is_on_record(staff: Staff, desk: Desk) -> None:
    """Who, at which case or account, when; no text; gone with the account."""
    give_password(desk, "amy", "cat")
    path = f"/console/cases/{staff.case_of(staff.suspect())}"
    amy, cat = (Visitor.beside(staff.client) for _ in range(2))
    amy.sign_in("amy")
    amy.get(path)
    amy.get("/console/accounts/u1")
    cat.sign_in("cat")
    cat.get("/console/accounts/u1")
    with desk.database.read() as connection:
        views = views_of(connection, "u1", 10)
        assert [(view.by, view.page) for view in reversed(views)] == [
            ("amy", "case"),
            ("amy", "account"),
            ("cat", "account"),
        ]
        assert upkeep.verify(connection).faults == ()
    with desk.database.write() as connection:
        upkeep.erase_account(connection, "u1")
        assert views_of(connection, "u1", 10) == []
        assert upkeep.verify(connection).faults == ()
