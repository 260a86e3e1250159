"""The console's pages for leads: packs, models and the overview, by role, with true figures."""

import html
import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from benchmarks.browser import Moderator, chromium, listening
from classifiers.bundle import default_model_folder
from classifiers.scorer import Scorer
from labels.release import QUALITY
from policy.pack import default_pack_path, load_pack, parse_pack
from policy.resolve import resolve
from serving.app import Settings, create_app
from serving.backtest import backtest
from serving.console.overview_page import campaign_days, spans
from serving.desk import Desk, open_desk
from serving.engine import Engine
from serving.following import Follower
from serving.people import Role
from serving.registry import Registry
from serving.store import upkeep
from serving.store.database import Database
from serving.store.schema import cases, decisions
from serving.watch.periods import Period, day_of
from tests.conftest import FAKE_DOCTOR
from tests.serving.conftest import (
    PACK_SOURCE,
    PASSWORD,
    add_user,
    give_password,
    needs_chromium,
    serving,
)
from tests.serving.test_console_pages import FINDINGS
from tests.serving.test_models import CHAMPION, NEXT, add, bundle, write_gates
from tests.serving.test_moderation import Staff, staff
from tests.serving.visitor import Visitor

__all__ = ["bundle", "staff"]

#: another weight for the clause that the fake doctor breaks, and a name that attacks the page
HARSHER = PACK_SOURCE.replace('version: "2026', 'version: "<script>alert(1)</script> 2026').replace(
    '"4.3": {severity: S2', '"4.3": {severity: S3'
)
HOSTILE = "</div><img src=x onerror=alert(1)>\u202e{{ 7*7 }}"
STAFF = {
    "amy": (Role.MODERATOR,),
    "cat": (Role.SENIOR,),
    "dan": (Role.POLICY_ADMIN,),
    "eve": (Role.POLICY_ADMIN,),
    "fay": (Role.AUDITOR,),
}

#: who may open which page; written down apart from the routes
OPEN = {
    "/console/overview": {"cat", "dan", "eve", "fay"},
    "/console/policies": {"cat", "dan", "eve", "fay"},
    "/console/models": {"amy", "cat", "dan", "eve", "fay"},
    "/console": {"amy", "cat", "fay"},
    "/console/accounts": {"amy", "cat", "fay"},
}


@dataclass
class House:
    """A server with an empty store and people who have passwords."""

    desk: Desk
    client: TestClient

    def visitor(self, name: str) -> Visitor:
        """Somebody who is signed in."""
        found = Visitor.beside(self.client)
        found.sign_in(name)
        return found


@pytest.fixture
def house(desk: Desk) -> Iterator[House]:
    desk.follower.registry.add(default_model_folder())
    with serving(desk) as client:
        for name, roles in STAFF.items():
            add_user(desk, name, *roles)
        give_password(desk, *STAFF)
        yield House(desk, client)


def counted(visitor: Visitor, path: str) -> str:
    """A page once its figures are there."""
    until = time.monotonic() + 30
    while "data-reload" in visitor.get(path):
        assert time.monotonic() < until, "never counted"
        time.sleep(0.05)
    return visitor.answer.text


def cells(page: str, section: str) -> list[list[str]]:
    """The rows of the first table of a section, each as texts."""
    part = page.partition(f'id="{section}"')[2].partition("</section>")[0]
    body = part.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL)
    return [
        [
            html.unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in rows
    ]


def scored(client: TestClient, user: dict[str, str], number: int) -> str:
    """The fake doctor once more; the decision."""
    author = {**FAKE_DOCTOR["author"], "account_id": "u1"}
    item = {**FAKE_DOCTOR, "data_id": f"p{number}", "author": author}
    answer = client.post("/v1/score", json={"items": [item]}, headers=user)
    return str(answer.json()["results"][0]["decision_id"])


class TestRoles:
    """What is for whom."""

    def test_one_sees_and_opens_what_is_for_one(self, house: House) -> None:
        """The navigation leads to every page that opens, and to none that does not."""
        pack = house.desk.engine.active.loaded.version.sha256
        single = {f"/console/policies/{pack}": "/console/policies"}
        single[f"/console/models/{CHAMPION.sha256}"] = "/console/models"
        for name in STAFF:
            visitor = house.visitor(name)
            bar = visitor.answer.text.partition("<nav")[2].partition("</nav>")[0]
            shown = set(re.findall(r'href="([^"]+)"', bar))
            assert shown == {path for path, who in OPEN.items() if name in who}
            for path, who in OPEN.items():
                visitor.get(path, 200 if name in who else 403)
            for path, page in single.items():
                visitor.get(path, 200 if name in OPEN[page] else 403)

    def test_an_auditor_changes_nothing(self, house: House, bundle: Path) -> None:
        """No form is offered, and none is taken."""
        sha256 = add(house.desk, bundle, "dan")
        pack = house.desk.engine.active.loaded.version.sha256
        fay, cat = house.visitor("fay"), house.visitor("cat")
        for visitor, path in (
            (fay, "/console/policies"),
            (fay, f"/console/policies/{pack}"),
            (fay, "/console/models"),
            (cat, f"/console/models/{sha256}"),
        ):
            forms = re.findall(r'method="post" action="([^"]+)"', visitor.get(path))
            assert forms == ["/console/sign-out"]
        fay.get("/console/policies")
        fay.post("/console/policies", 403, source=HARSHER)
        fay.get("/console/policies")
        fay.post(f"/console/policies/{pack}/activate", 403)
        cat.get("/console/models")
        cat.post("/console/models/rollback", 403, reason="退")
        cat.get("/console/models")
        cat.post(f"/console/models/{sha256}/release", 403, stage="shadow", reason="试")


class TestPolicies:
    """One proposes, another activates; what would change is told before."""

    def test_a_pack_is_proposed_compared_and_activated(self, house: House) -> None:
        """By two people; a pasted pack has its file's hash, whatever the browser does to it."""
        dan, eve = house.visitor("dan"), house.visitor("eve")
        dan.get("/console/policies")
        page = dan.post("/console/policies", source=HARSHER.replace("\n", "\r\n"))
        version = parse_pack(HARSHER.encode(), "test").version
        path = f"/console/policies/{version.sha256}"
        assert dan.answer.url.path == path
        assert "这个规则包是你提出的" in page
        rows = {row[0]: row[1:] for row in cells(page, "changes-title")}
        assert rows["clauses.4.3.severity"] == ['"S2"', '"S3"']
        assert set(rows) == {"clauses.4.3.severity", "version"}
        dan.get("/console/policies")
        assert "须由他人启用" in dan.post(f"{path}/activate", 403)
        assert house.desk.engine.active.loaded.version != version
        eve.get(path)
        page = eve.post(f"{path}/activate")
        assert house.desk.engine.active.loaded.version == version
        first, second = sorted(cells(page, "packs-title"), key=lambda row: row[1] != "使用中")
        assert ["使用中", "曾使用"] == [first[1], second[1]]
        assert first[2].startswith("dan ")
        assert first[3].startswith("eve ")
        assert second[3].startswith("服务首次启动")
        assert "<script>alert" not in page

    def test_a_faulty_pack_is_told_and_loses_nothing(self, house: House) -> None:
        """Every fault by field; what was pasted is still there."""
        dan = house.visitor("dan")
        faulty = PACK_SOURCE.replace("strike_days: 180", "strike_days: soon # </textarea><b>")
        dan.get("/console/policies")
        page = dan.post("/console/policies", 422, source=faulty)
        assert "规则包有误" in page
        assert "strike_days" in page.partition('role="alert"')[2].partition("</div>")[0]
        assert "soon # &lt;/textarea&gt;&lt;b&gt;" in page
        altered = PACK_SOURCE.replace("strike_days: 180", "strike_days: 90")
        assert "请换一个版本号" in dan.post("/console/policies", 409, source=altered)
        dan.get("/console/policies/" + "0" * 64, 404)

    def test_the_backtest_tells_who_would_move(self, staff: Staff, desk: Desk) -> None:
        """Of one decided post and one that waits; an overturned step that would come again."""
        give_password(desk, "admin")
        decided = staff.sanctioned()
        staff.suspect(7)
        admin = Visitor.beside(staff.client)
        admin.sign_in("admin")
        admin.get("/console/policies")
        admin.post("/console/policies", source=HARSHER)
        path = admin.answer.url.path
        page = counted(admin, path)
        assert "2 帖（至多 5,000" in page
        assert "其中 1 帖已有人工认定" in page
        assert "旧规则包 0，新规则包 0" in page
        moves = {(row[0], row[1]): row[2] for row in cells(page, "backtest-title")}
        assert moves["警告", "短期禁言"] == "1"
        assert sum(map(int, moves.values())) == 2
        staff.appeal(decided)
        staff.answer(decided, "overturn")
        old, new = desk.engine.active.policy, parse_pack(HARSHER.encode(), "test").pack
        scorer = desk.engine.lineup.champion.scorer
        with desk.database.read() as connection:
            found = backtest(connection, scorer.version, old, resolve(new, scorer.operating))
        assert (found.cases, found.judged) == (2, 1)
        assert found.report
        assert found.report["overturned_repeated"] == {
            "old": {"warning": 1},
            "new": {"short_mute": 1},
        }

    def test_a_candidate_that_looks_on(self, tmp_path: Path, scorer: Scorer) -> None:
        """Its agreement is that of the API, every move with its number of posts."""
        silent = tmp_path / "silent.yaml"
        silent.write_text(
            PACK_SOURCE.replace("review: fpr <= 0.008", "review: null"), encoding="utf-8"
        )
        database = Database(f"sqlite:///{tmp_path / 'shadow.db'}")
        engine = Engine(scorer, load_pack(default_pack_path()), load_pack(silent))
        follower = Follower(engine, Registry(tmp_path / "models"), threads=1)
        with serving(open_desk(engine, database, PACK_SOURCE, follower)) as client:
            for number in range(3):
                scored(client, {}, number)
            told = client.get("/v1/shadow").json()["pack"]
            page = client.get("/console/policies").text
        (move,) = told["moves"]
        assert (move["posts"], told["agreement"]) == (3, 0.0)
        assert "帖子：3。" in page
        assert "建议一致 0.0 %" in page
        assert cells(page, "shadow-title")[0][2] == "3"


class TestModels:
    """Versions are released by the rules of the API."""

    def test_from_shadow_to_champion_and_back(self, house: House, bundle: Path) -> None:
        """Who added it does not release it; a refusal loses no word; every step is on record."""
        sha256 = add(house.desk, bundle, "dan")
        path = f"/console/models/{sha256}"
        dan, eve = house.visitor("dan"), house.visitor("eve")
        assert "这个版本是你登记的" in dan.get(path)
        for fields, status, told in (
            ({"stage": "canary", "percent": "10"}, 403, "须由他人发布"),
            ({"stage": "canary", "percent": "many"}, 422, "大于 0，至多 100%"),
            ({"stage": "canary", "percent": "250"}, 422, "填写有误"),
            ({"stage": "throne"}, 422, "填写有误"),
            ({"stage": "archived"}, 409, "既未试跑，也未灰度"),
        ):
            dan.get(path)
            page = dan.post(f"{path}/release", status, reason=HOSTILE, **fields)
            assert told in page
            assert html.escape(HOSTILE, quote=False)[:20] in page
        dan.get(path)
        dan.post(f"{path}/release", 422, stage="shadow", reason=" ")
        dan.get(path)
        assert "试跑" in dan.post(f"{path}/release", stage="shadow", reason="先看看")
        eve.get(path)
        eve.post(f"{path}/release", stage="canary", percent="12.5", reason=HOSTILE)
        assert "灰度 12.5 %" in eve.get("/console/models")
        eve.get(path)
        page = eve.post(f"{path}/release", stage="champion", reason="门禁通过")
        assert "它是主用版本" in page
        assert "<img" not in page
        assert "\u202e" not in page
        eve.get("/console/models")
        page = eve.post("/console/models/rollback", reason="误伤增多")
        stages = {row[0].partition(" ")[2][:3]: row[1] for row in cells(page, "versions-title")}
        assert stages == {CHAMPION.version: "主用", NEXT: "–"}
        eve.get("/console/models")
        assert "无法回滚" in eve.post("/console/models/rollback", 409, reason="再退")
        with house.desk.database.read() as connection:
            assert upkeep.verify(connection).faults == ()

    def test_gates_and_lineage_are_told(self, house: House, bundle: Path) -> None:
        """A failed gate, what overrode it, the verdicts learned, what screening found."""
        write_gates(bundle, passed=False)
        report = {"events": 40, "posts": 30, "in_conflict": 2, "suspected": 5, "held_back": 3}
        (bundle / QUALITY).write_text(json.dumps({**report, "learned": 25, "more": 1}))
        sha256 = add(house.desk, bundle, "dan")
        cat, eve = house.visitor("cat"), house.visitor("eve")
        page = counted(cat, f"/console/models/{sha256}")
        assert cells(page, "gates-title") == [["protected", "未通过", "0", "0"]]
        assert "不能发布" in page
        assert "申诉 1" in page
        assert "一人审核 1" in page
        assert re.search(r"疑似错标</dt><dd>5<.*待第二人确认</dt><dd>3<", page)
        assert f'href="/console/models/{CHAMPION.sha256}"' in page
        eve.get(f"/console/models/{sha256}")
        fields = {"stage": "champion", "reason": "强推"}
        assert "门禁未通过" in eve.post(f"/console/models/{sha256}/release", 409, **fields)
        write_gates(bundle, passed=False, override=True)
        add(house.desk, bundle, "dan")
        page = cat.get(f"/console/models/{sha256}")
        assert "见会议纪要" in page
        assert "可以发布" in page
        cat.get("/console/models/" + "0" * 64, 404)

    def test_live_precision_counts_what_stands(self, staff: Staff, desk: Desk) -> None:
        """A warning that was overturned, a prompt and a dismissal: one of three."""
        give_password(desk, "amy")
        first, _ = staff.sanctioned(), staff.sanctioned("prompt")
        staff.decide(staff.case_of(staff.suspect(8)), staff.amy, "none", clauses=[])
        staff.appeal(first)
        staff.answer(first, "overturn")
        amy = Visitor.beside(staff.client)
        amy.sign_in("amy")
        page = counted(amy, f"/console/models/{CHAMPION.sha256}")
        rows = {row[0]: row[1:3] for row in cells(page, "live-title")}
        assert sorted(row[0] for row in rows.values()) == ["0 / 0", "0 / 0", "0 / 0", "1 / 3"]

    def test_alarms_of_the_newest_report(self, local_desk: Desk, tmp_path: Path) -> None:
        """As ``mingbian watch`` wrote them; a file that is none is told."""
        days = {"first": "2026-11-22", "last": "2026-11-28"}
        said = {"kind": "surge", "name": "2.1", "zh": "激增<b>", "en": "surge"}
        summary = {"now": days, "before": days, "alarms": [said], "drift": [{"corrected": 0.5}]}
        folder = tmp_path / "reports"
        assert "没有 mingbian watch 的报告" in _models_page(local_desk, folder)
        (folder / "one").mkdir(parents=True)
        path = folder / "one" / "summary.json"
        path.write_text(json.dumps(summary), encoding="utf-8")
        page = _models_page(local_desk, folder)
        assert "检验了 1 项" in page
        assert "激增&lt;b&gt;" in page
        path.write_text("{", encoding="utf-8")
        assert "最新的报告无法读取" in _models_page(local_desk, folder)


def _models_page(desk: Desk, folder: Path) -> str:
    app = create_app(desk, Settings(watched=folder))
    return TestClient(app, base_url="http://127.0.0.1").get("/console/models").text


class TestOverview:
    """Its figures are those of the store."""

    def test_figures_agree_with_what_was_done(self, staff: Staff, desk: Desk) -> None:
        """A warning, a prompt, a long mute after a refusal, a dismissal, an appeal."""
        give_password(desk, "cat")
        first, _ = staff.sanctioned(), staff.sanctioned("prompt")
        grave = staff.case_of(staff.suspect(11))
        for verdict in ("reject", "confirm"):
            staff.decide(grave, staff.amy, "long_mute", aggravators=["safety_harm"])
            staff.post(f"/v1/cases/{grave}/claim", staff.ben)
            body = {"verdict": verdict, "reasons": "见证据"}
            staff.post(f"/v1/cases/{grave}/decide", staff.ben, body)
        staff.decide(staff.case_of(staff.suspect(12)), staff.amy, "none", clauses=[])
        staff.suspect(13)
        _protect(desk, first, "opinion_or_forecast")
        staff.appeal(first)
        staff.answer(first, "overturn")
        cat = Visitor.beside(staff.client)
        cat.sign_in("cat")
        today = day_of(datetime.now(UTC))
        yesterday = today - timedelta(days=1)
        page = counted(cat, f"/console/overview?first={yesterday}&last={today}")
        *days, whole = cells(page, "steps-title")
        assert days == [[str(today), "1", "1", "1", "1"]]
        assert whole == ["合计", "1", "1", "1", "1"]
        assert page.count("<rect") > 4
        campaign = cells(page, "campaign-title")
        assert [sum(map(int, row[1:])) for row in campaign] == [0, 0, 0, 3]
        agreement, overturned = cells(page, "quality-title")
        assert agreement[1:3] == ["1 / 2", "–"]
        assert overturned[1:3] == ["1 / 1", "–"]
        flags = [row[1] for row in cells(page, "flags-title") if row[1] != "0 / 0"]
        assert flags == ["1 / 1"]
        load = cells(page, "load-title")
        assert [row[1] for row in load] == ["1", "0", "0", "0", "0", "0"]
        before = counted(cat, f"/console/overview?first={yesterday}&last={yesterday}")
        assert "这些日子没有人工决定" in before
        begin = today - timedelta(days=99)
        weeks, _ = cells(
            counted(cat, f"/console/overview?first={begin}&last={today}"), "steps-title"
        )
        assert weeks == [f"{today - timedelta(days=1)} – {today}", "1", "1", "1", "1"]

    def test_old_cases_and_late_appeals_are_counted(self, staff: Staff, desk: Desk) -> None:
        """A case of two days waits among those of one to three."""
        give_password(desk, "cat")
        decision_id = staff.suspect()
        with desk.database.write() as connection:
            opened = datetime.now(UTC) - timedelta(hours=50)
            connection.execute(
                update(cases).where(cases.c.decision_id == decision_id).values(opened_at=opened)
            )
        cat = Visitor.beside(staff.client)
        cat.sign_in("cat")
        load = cells(cat.get("/console/overview"), "load-title")
        assert [row[1] for row in load] == ["0", "0", "0", "1", "0", "0"]

    def test_days_that_do_not_fit_are_refused(self, local_desk: Desk) -> None:
        """Back to front, none, too many; the campaign's days are a link away."""
        with serving(local_desk) as client:
            for query in ("first=2026-11-02&last=2026-11-01", "first=soon&last=2026-11-01"):
                assert client.get(f"/console/overview?{query}").status_code == 422
            long = client.get("/console/overview?first=2020-01-01&last=2026-01-01")
            assert (long.status_code, "最多 366 天" in long.text) == (422, True)
            link = "/console/overview?first=2025-07-24&amp;last=2025-09-23"
            assert link in client.get("/console/overview").text

    @pytest.mark.parametrize(("days", "columns"), [(1, 1), (92, 92), (93, 14), (366, 53)])
    def test_many_days_are_told_by_weeks(self, days: int, columns: int) -> None:
        """Each day is in one column, in order."""
        first = date(2026, 1, 1)
        found = spans(Period(first=first, last=first + timedelta(days=days - 1)))
        assert len(found) == columns
        assert [day for column in found for day in column] == [
            first + timedelta(days=n) for n in range(days)
        ]

    @pytest.mark.parametrize(
        ("day", "told"),
        [("2025-07-01", 0), ("2025-07-24", 1), ("2025-09-23", 62), ("2026-01-01", 62)],
    )
    def test_the_day_of_a_campaign(self, day: str, told: int) -> None:
        """None before it begins, the last once it is over."""
        campaign = load_pack(default_pack_path()).pack.campaign
        assert campaign_days(campaign, datetime.fromisoformat(day).date()) == (told, 62)


def _protect(desk: Desk, decision_id: str, code: str) -> None:
    """As if the model had thought the post protected speech."""
    mine = decisions.c.decision_id == decision_id
    with desk.database.write() as connection:
        result: Any = dict(connection.scalar(select(decisions.c.result).where(mine)))
        result["protected"] = [{"code": code, "score": 0.9}]
        connection.execute(update(decisions).where(mine).values(result=result))
        mine = cases.c.decision_id == decision_id
        connection.execute(update(cases).where(mine).values(protected=True))


def pages_of(house: House, bundle: Path) -> list[str]:
    """Every page for leads, with something on each."""
    sha256 = add(house.desk, bundle, "dan")
    dan = house.visitor("dan")
    dan.get("/console/policies")
    dan.post("/console/policies", source=HARSHER)
    today = day_of(datetime.now(UTC))
    return [
        dan.answer.url.path,
        "/console/policies",
        "/console/models",
        f"/console/models/{sha256}",
        f"/console/overview?first={today}&last={today}",
    ]


def test_no_page_has_script_or_style_in_it(house: House, bundle: Path) -> None:
    """In either language, and no language has words of the other's alone."""
    scorer = add_user(house.desk, "platform", Role.SCORER)
    scored(house.client, scorer, 1)
    paths = pages_of(house, bundle)
    dan = house.visitor("dan")
    for language in ("zh", "en"):
        dan.get(f"/console/language/{language}?next=/console/models")
        for path in paths:
            text = counted(dan, path)
            assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:|<script>", text)
            assert "default-src 'none'" in dan.answer.headers["content-security-policy"]
            titles = re.findall(r"<h[12][^>]*>(.*?)</h[12]>", text)
            assert titles
            if language == "en":
                assert not [title for title in titles if re.search(r"[\u4e00-\u9fff]", title)]


def decide_one(house: House) -> None:
    """So that there is something to draw."""
    scorer = add_user(house.desk, "platform", Role.SCORER)
    scored(house.client, scorer, 1)
    amy = house.visitor("amy")
    amy.post("/console/next")
    amy.post(f"{amy.answer.url.path}/decide", **FINDINGS, step="warning")


@needs_chromium
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_for_leads_at_a_browser(house: House, bundle: Path, width: int) -> None:
    """axe-core finds nothing serious, no page is too wide, charts print, no policy is violated."""
    decide_one(house)
    paths = pages_of(house, bundle)
    for path in paths:
        counted(house.visitor("eve"), path)
    with ExitStack() as stack:
        address = stack.enter_context(listening(create_app(house.desk, Settings())))
        eve = Moderator(stack.enter_context(chromium()), address, width)
        eve.sign_in("eve", PASSWORD)
        for path in paths:
            eve.page.goto(path)
            eve.page.wait_for_selector("main:not(:has([data-reload]))")
            assert eve.look().strip()
        assert prints(eve)
        assert eve.faults == []


def prints(eve: Moderator) -> bool:
    """Whether an open overview fits on A4, chart and tables without what can be pressed."""
    eve.page.set_viewport_size({"width": 794, "height": 1123})
    eve.page.emulate_media(media="print")
    wide = eve.page.evaluate(
        "Math.max(...[...document.querySelectorAll('main, .chart')].map((e) => e.scrollWidth))"
    )
    shown = [eve.page.locator(part).first.is_visible() for part in (".chart", "table", "form")]
    return wide <= 794 and shown == [True, True, False]
