"""Versions of the model: kept whole, released by rules, and changed under load without a loss."""

import gc
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, update

from benchmarks.load import server
from classifiers.bundle import MANIFEST, default_model_folder, read_manifest
from classifiers.scorer import Scorer, load_scorer
from labels.errors import ModelError
from labels.label_events import Origin
from labels.records import Post
from labels.release import GATES, LEARNED, Gate, GateReport, Learned, Override
from labels.results import HeadScores, Version
from labels.samples import Verdict
from policy.pack import default_pack_path, load_pack
from serving import models, releases, shadow
from serving.app import Settings
from serving.desk import Desk, open_desk
from serving.engine import Engine
from serving.following import Follower
from serving.lineup import place
from serving.outbox import Kind
from serving.people import Caller, Role, find_user
from serving.registry import Registry, gates_of
from serving.releases import Stage, Standing, Wish
from serving.store import upkeep
from serving.store.schema import releases as releases_table
from tests.conftest import FAKE_DOCTOR, REAL_DOCTOR, Run, make_post
from tests.serving.conftest import Headers, add_user, serving

_IN_FORCE = read_manifest(default_model_folder())
CHAMPION = _IN_FORCE.version
assert _IN_FORCE.manifest.lineage
#: what the model in the package was trained on from
PARENT = _IN_FORCE.manifest.lineage.parent
NEXT = "9.0"
AT = datetime(2026, 1, 2, tzinfo=UTC)
LESSONS = [
    ("dec_1.appeal", "p1", Origin.APPEAL, "cat", Verdict.VIOLATION, ("4.1",)),
    ("dec_2.review", "p2", Origin.REVIEW, "amy", Verdict.VIOLATION, ("2.1",)),
]


def write_bundle(folder: Path, lessons: Sequence[Any] = LESSONS) -> Path:
    """A small bundle: the shipped model's n-gram expert alone, on from the shipped model."""
    shipped = default_model_folder()
    manifest = json.loads((shipped / MANIFEST).read_bytes())
    manifest["parts"] = [{"kind": "ngram", "weight": 1.0}]
    manifest["files"] = {n: h for n, h in manifest["files"].items() if n.startswith("ngram")}
    manifest["version"] = NEXT
    for point in (p for head in manifest["operating"].values() for p in head["points"]):
        point["threshold"] *= 0.9
    manifest["lineage"] = {"parent": CHAMPION.model_dump(), "revision": "abc123", "events": 2}
    folder.mkdir()
    for name in manifest["files"]:
        shutil.copy(shipped / name, folder / name)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    lines = [
        Learned(
            event_id=event_id,
            data_id=data_id,
            at=AT,
            origin=origin,
            annotator=annotator,
            verdict=verdict,
            clauses=clauses,
            weight=1,
        ).model_dump_json()
        for event_id, data_id, origin, annotator, verdict, clauses in lessons
    ]
    (folder / LEARNED).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def write_gates(
    bundle: Path, *, passed: bool = True, champion: Version = CHAMPION, override: bool = False
) -> None:
    """The gate report of a bundle."""
    gate = Gate(name="protected", passed=passed, found="0", allowed="0")
    why = Override(reason="见会议纪要", by=("amy", "ben"), at=AT) if override else None
    report = GateReport(
        model=read_manifest(bundle).version, champion=champion, at=AT, gates=(gate,), override=why
    )
    (bundle / GATES).write_text(report.model_dump_json(), encoding="utf-8")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A version that passed its gates."""
    folder = write_bundle(tmp_path / "bundle")
    write_gates(folder)
    return folder


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    """Another model than the shipped one."""
    return load_scorer(write_bundle(tmp_path_factory.mktemp("other") / "bundle"), threads=1)


@pytest.fixture
def admins(desk: Desk) -> tuple[Headers, Headers]:
    """Two people."""
    desk.follower.registry.add(default_model_folder())
    return (
        add_user(desk, "amy", Role.POLICY_ADMIN, Role.SCORER),
        add_user(desk, "ben", Role.POLICY_ADMIN, Role.SCORER),
    )


def add(desk: Desk, bundle: Path, user: str = "amy") -> str:
    """As ``mingbian models add``; the hash."""
    added = desk.follower.registry.add(bundle)
    with desk.database.write() as connection:
        caller = caller_of(connection, user)
        now = datetime.now(UTC)
        models.add_model(connection, added.version, CHAMPION, gates_of(added), caller, now)
    return added.sha256


def caller_of(connection: Connection, user: str) -> Caller:
    """Somebody by their name."""
    found = find_user(connection, user, "test")
    assert found
    return found


class TestRegistry:
    """A version is there whole or not at all."""

    def test_the_same_twice_is_one(self, tmp_path: Path, bundle: Path) -> None:
        """And what is there is not copied again; it loads after its source is gone."""
        registry = Registry(tmp_path / "models")
        first = registry.add(bundle)
        copied = (first.folder / "ngram.onnx").stat().st_ino
        assert registry.add(bundle) == first
        assert (first.folder / "ngram.onnx").stat().st_ino == copied
        shutil.rmtree(bundle)
        assert registry.load(first.sha256, threads=1).version == first.version
        assert [path.name for path in registry.folder("").iterdir()] == [first.sha256]

    def test_servers_that_start_together_do_not_collide(self, tmp_path: Path, bundle: Path) -> None:
        """Each copies the same version; there is one."""
        folder = tmp_path / "models"
        with ThreadPoolExecutor(4) as pool:
            added = list(pool.map(lambda _: Registry(folder).add(bundle), range(4)))
        assert added == added[:1] * 4
        assert [path.name for path in folder.iterdir()] == [added[0].sha256]

    def test_parts_that_do_not_match_are_refused(self, tmp_path: Path, bundle: Path) -> None:
        """A cut file, a path that leads out, gates of another model; nothing stays behind."""
        registry = Registry(tmp_path / "models")
        for spoil in (_cut, _lead_out, _gates_of_another):
            spoilt = shutil.copytree(bundle, tmp_path / spoil.__name__)
            spoil(spoilt)
            with pytest.raises(ModelError):
                registry.add(spoilt)
        assert not list((tmp_path / "models").glob("*"))

    def test_a_damaged_version_is_told_and_mended(self, tmp_path: Path, bundle: Path) -> None:
        """It does not load under its name; adding it again replaces it."""
        registry = Registry(tmp_path / "models")
        sha256 = registry.add(bundle).sha256
        _cut(registry.folder(sha256))
        with pytest.raises(ModelError):
            registry.load(sha256, threads=1)
        registry.add(bundle)
        registry.load(sha256, threads=1)
        manifest = registry.folder(sha256) / MANIFEST
        manifest.write_text(manifest.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        with pytest.raises(ModelError, match="altered"):
            registry.load(sha256, threads=1)

    def test_a_kill_leaves_no_half_version(self, tmp_path: Path, bundle: Path) -> None:
        """SIGKILL in the middle of the copy, at any file: no name of a version appears."""
        code = (
            "import os, signal, sys\n"
            "from pathlib import Path\n"
            "from serving import registry\n"
            "copy, left = registry._copy_file, int(sys.argv[3])\n"
            "def cut(source, target):\n"
            "    global left\n"
            "    copy(source, target)\n"
            "    left -= 1\n"
            "    if left < 0:\n"
            "        target.write_bytes(target.read_bytes()[:100])\n"
            "        os.kill(os.getpid(), signal.SIGKILL)\n"
            "registry._copy_file = cut\n"
            "registry.Registry(Path(sys.argv[1])).add(Path(sys.argv[2]))\n"
        )
        folder = tmp_path / "models"
        for file in range(3):
            done = subprocess.run(
                [sys.executable, "-c", code, str(folder), str(bundle), str(file)],
                cwd=Path(__file__).parents[2],
                check=False,
            )
            assert done.returncode == -signal.SIGKILL
        sha256 = read_manifest(bundle).sha256
        assert not Registry(folder).has(sha256)
        assert all(path.name.startswith(".adding-") for path in folder.iterdir())
        assert Registry(folder).add(bundle).sha256 == sha256

    def test_a_later_gate_report_takes_the_place_of_the_first(
        self, tmp_path: Path, bundle: Path
    ) -> None:
        """It is no part of what the hash covers."""
        registry = Registry(tmp_path / "models")
        sha256 = registry.add(bundle).sha256
        write_gates(bundle, passed=False)
        registry.add(bundle)
        kept = (registry.folder(sha256) / GATES).read_text(encoding="utf-8")
        assert kept == (bundle / GATES).read_text(encoding="utf-8")


def _cut(folder: Path) -> None:
    file = folder / "ngram.onnx"
    file.write_bytes(file.read_bytes()[:-1])


def _lead_out(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    outside = folder.parent / "outside"
    outside.write_bytes((folder / "ngram.onnx").read_bytes())
    manifest["files"]["../outside"] = manifest["files"]["ngram.onnx"]
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    write_gates(folder)


def _gates_of_another(folder: Path) -> None:
    report = json.loads((folder / GATES).read_bytes())
    report["model"]["sha256"] = "0" * 64
    (folder / GATES).write_text(json.dumps(report), encoding="utf-8")


class TestRules:
    """What may answer, and who says so."""

    def test_one_adds_and_another_promotes(
        self, desk: Desk, admins: tuple[Headers, Headers], bundle: Path
    ) -> None:
        """Shadow needs nothing; canary and champion another person; each step is in the log."""
        amy, ben = admins
        sha256 = add(desk, bundle)
        path = f"/v1/models/{sha256}/release"
        with serving(desk) as client:

            def ask(stage: str, who: Headers, **more: Any) -> httpx.Response:
                body = {"stage": stage, "reason": "试运行", **more}
                return client.post(path, json=body, headers=who)

            assert ask("shadow", amy).json()["stage"] == "shadow"
            refused = ask("canary", amy, share=0.1)
            assert (refused.status_code, refused.json()["code"]) == (403, "own_model")
            assert ask("champion", amy).json()["code"] == "own_model"
            for bad in (ask("canary", ben), ask("champion", ben, share=0.5)):
                assert (bad.status_code, bad.json()["code"]) == (422, "share_invalid")
            assert ask("canary", ben, share=0).status_code == 422
            told = ask("canary", ben, share=0.1).json()
            assert (told["stage"], told["share"]) == ("canary", 0.1)
            assert ask("champion", ben).json()["stage"] == "champion"
            assert ask("shadow", ben).json()["code"] == "is_champion"
            detail = client.get(f"/v1/models/{sha256}", headers=amy).json()
            assert [r["stage"] for r in detail["releases"]] == ["shadow", "canary", "champion"]
            assert [each["model"]["version"] for each in detail["lineage"]] == [
                NEXT,
                CHAMPION.version,
                PARENT.version,
            ]
            listed = client.get("/v1/models", headers=amy).json()["models"]
        assert {row["sha256"]: row["stage"] for row in listed} == {
            sha256: "champion",
            CHAMPION.sha256: None,
        }
        with desk.database.read() as connection:
            assert upkeep.verify(connection).faults == ()
        with desk.database.read() as connection:
            connection.execute(update(releases_table).values(sha256=sha256))
            assert len(upkeep.verify(connection).faults) == 1

    @pytest.mark.parametrize(
        ("gates", "code"),
        [
            (None, "gates_missing"),
            ({"passed": False}, "gates_failed"),
            ({"champion": CHAMPION.model_copy(update={"sha256": "0" * 64})}, "gates_outdated"),
            ({"passed": False, "override": True}, None),
        ],
    )
    def test_gates_are_enforced(
        self,
        desk: Desk,
        admins: tuple[Headers, Headers],
        bundle: Path,
        gates: dict[str, Any] | None,
        code: str | None,
    ) -> None:
        """On canary and champion alike; two people may override, and shadow needs none."""
        _, ben = admins
        if gates is None:
            (bundle / GATES).unlink()
        else:
            write_gates(bundle, **gates)
        sha256 = add(desk, bundle)
        with serving(desk) as client:
            for stage in ({"stage": "canary", "share": 1}, {"stage": "champion"}):
                answer = client.post(
                    f"/v1/models/{sha256}/release", json={**stage, "reason": "上线"}, headers=ben
                )
                assert answer.json().get("code") == code
                assert answer.status_code == (409 if code else 200)
            shown = {"stage": "shadow", "reason": "上线"}
            if code:
                path = f"/v1/models/{sha256}/release"
                assert client.post(path, json=shown, headers=ben).status_code == 200

    def test_whoever_brings_new_gates_does_not_promote(
        self, desk: Desk, admins: tuple[Headers, Headers], bundle: Path
    ) -> None:
        """The same gates brought by a second person change nobody's part."""
        amy, ben = admins
        sha256 = add(desk, bundle, "amy")
        assert add(desk, bundle, "ben") == sha256
        body = {"stage": "champion", "reason": "上线"}
        with serving(desk) as client:
            path = f"/v1/models/{sha256}/release"
            assert client.post(path, json=body, headers=amy).json()["code"] == "own_model"
            write_gates(bundle, passed=False, override=True)
            add(desk, bundle, "ben")
            assert client.post(path, json=body, headers=ben).json()["code"] == "own_model"
            assert client.post(path, json=body, headers=amy).status_code == 200

    def test_a_version_that_cannot_be_loaded_is_not_released(
        self, desk: Desk, admins: tuple[Headers, Headers], bundle: Path
    ) -> None:
        """Nor rolled back to."""
        _, ben = admins
        sha256 = add(desk, bundle)
        with serving(desk) as client:
            path, body = f"/v1/models/{sha256}/release", {"stage": "champion", "reason": "上线"}
            _cut(desk.follower.registry.folder(sha256))
            refused = client.post(path, json=body, headers=ben)
            assert (refused.status_code, refused.json()["code"]) == (409, "model_unloadable")
            desk.follower.registry.add(bundle)
            assert client.post(path, json=body, headers=ben).status_code == 200
            shutil.rmtree(desk.follower.registry.folder(CHAMPION.sha256))
            refused = client.post("/v1/models/rollback", json={"reason": "退"}, headers=ben)
            assert refused.json()["code"] == "model_unloadable"

    def test_a_rollback_needs_one_person_and_is_told(
        self, desk: Desk, admins: tuple[Headers, Headers], bundle: Path
    ) -> None:
        """No gates; the canary ends; below the first champion there is nothing."""
        amy, ben = admins
        sha256 = add(desk, bundle)
        reason = {"reason": "误报增多"}
        with serving(desk, Settings(private_webhooks=True)) as client:
            hook = {"url": "http://127.0.0.1:9/x", "kinds": [Kind.MODEL_PROMOTED]}
            assert client.post("/v1/webhooks", json=hook, headers=amy).status_code == 201
            refused = client.post("/v1/models/rollback", json=reason, headers=ben)
            assert (refused.status_code, refused.json()["code"]) == (409, "no_champion_before")
            body = {"stage": "champion", "reason": "上线"}
            client.post(f"/v1/models/{sha256}/release", json=body, headers=ben)
            once = {**ben, "Idempotency-Key": "k"}
            for _ in "ab":
                back = client.post("/v1/models/rollback", json=reason, headers=once).json()
                assert (back["sha256"], back["stage"]) == (CHAMPION.sha256, "champion")
            assert client.post("/v1/models/rollback", json=reason, headers=ben).status_code == 409
            events = client.get("/v1/events", headers=amy).json()["events"]
        told = [
            (e["kind"], e["data"]["because"], e["data"]["model"]["sha256"], e["data"]["before"])
            for e in events
        ]
        assert [(kind, because, model) for kind, because, model, _ in told] == [
            ("model.promoted", "champion", sha256),
            ("model.promoted", "rollback", CHAMPION.sha256),
        ]
        assert told[0][3] == CHAMPION.model_dump()


def test_what_is_in_force_follows_from_every_release() -> None:
    """A rollback takes one step back each time; another champion ends the canary."""
    now = Standing().after(Stage.CHAMPION, "a", None)
    now = now.after(Stage.CANARY, "b", 0.2).after(Stage.SHADOW, "c", None)
    assert (now.champion, now.canary, now.share, now.shadow) == ("a", "b", 0.2, "c")
    assert now.after(Stage.ARCHIVED, "c", None) == replace(now, shadow=None)
    assert now.after(Stage.SHADOW, "b", None).canary is None
    now = now.after(Stage.CHAMPION, "c", None)
    assert (now.champions, now.canary, now.shadow) == (("a", "c"), None, None)
    now = now.after(Stage.CHAMPION, "d", None)
    assert now.after(Stage.ROLLBACK, "c", None).after(Stage.ROLLBACK, "a", None).champions == ("a",)


class TestEngine:
    """Several models behind one call."""

    def test_a_canary_meets_its_share_of_accounts_always_the_same(
        self, scorer: Scorer, other: Scorer
    ) -> None:
        """Near its share; a larger share keeps the accounts of a smaller; each names its model."""
        accounts = [f"account {number}" for number in range(4000)]
        small, large = (
            {name for name in accounts if place(other.version.sha256, name) < share}
            for share in (0.1, 0.3)
        )
        assert small < large
        assert abs(len(small) / 4000 - 0.1) < 0.02
        assert abs(len(large) / 4000 - 0.3) < 0.03
        engine = Engine(scorer, load_pack(default_pack_path()))
        engine.line_up(scorer, other, 0.3, None)
        author = FAKE_DOCTOR["author"]
        items = [
            json.dumps({**FAKE_DOCTOR, "data_id": name, "author": {**author, "account_id": name}})
            for name in accounts[:60]
        ]
        alone = {
            each.version.sha256: Engine(each, load_pack(default_pack_path())).score(items)
            for each in (scorer, other)
        }
        for number, result in enumerate(engine.score(items)):
            version = other.version if accounts[number] in large else scorer.version
            assert result == alone[version.sha256][number]
        checked = engine.precheck(items)
        assert {each.model for each in checked} == {scorer.version, other.version}

    def test_posts_without_an_account_are_spread_by_their_name(
        self, scorer: Scorer, other: Scorer
    ) -> None:
        """The same post meets the same model."""
        engine = Engine(scorer, load_pack(default_pack_path()))
        engine.line_up(scorer, other, 0.5, None)
        posts = [make_post(data_id=f"p{number}") for number in range(200)]
        met = [engine.lineup.answering(post).version for post in posts]
        assert met == [engine.lineup.answering(post).version for post in posts]
        assert 60 < met.count(other.version) < 140

    def test_a_request_ends_with_the_model_it_began_with(self, scorer: Scorer) -> None:
        """And that model is freed with it, not before."""
        inside, go_on = threading.Event(), threading.Event()
        old = _Slow(scorer, inside, go_on)
        freed = weakref.ref(old)
        engine = Engine(old, load_pack(default_pack_path()))
        found: list[Any] = []
        begun = threading.Thread(
            target=lambda: found.extend(engine.score([json.dumps(REAL_DOCTOR)]))
        )
        begun.start()
        assert inside.wait(10)
        engine.line_up(scorer, None, 0.0, None)
        del old
        gc.collect()
        assert freed() is not None
        assert engine.score([json.dumps(REAL_DOCTOR)])[0].model == scorer.version
        go_on.set()
        begun.join()
        assert found[0].model.version == "slow"
        assert freed() is None

    def test_thresholds_are_those_of_the_model_that_scores(
        self, scorer: Scorer, other: Scorer
    ) -> None:
        """Also after the pack changes."""
        engine = Engine(scorer, load_pack(default_pack_path()))
        engine.line_up(scorer, other, 1.0, None)
        silent = load_pack(default_pack_path())
        for _ in "ab":
            seats = engine.lineup.seats
            assert [seat.scorer for seat in seats] == [scorer, other]
            assert all(
                seat.active.policy == Engine(seat.scorer, silent).active.policy for seat in seats
            )
            engine.use(silent)

    def test_a_shadow_model_changes_nothing_and_is_told_of(
        self, desk: Desk, admins: tuple[Headers, Headers], bundle: Path
    ) -> None:
        """How often both agree; what there is no time for is left out and counted."""
        amy, _ = admins
        body = {"items": [FAKE_DOCTOR, REAL_DOCTOR], "store": "none"}
        make(desk, add(desk, bundle), Stage.SHADOW)
        with serving(desk) as client:
            answered = client.post("/v1/score", json=body, headers=amy).json()["results"]
            assert {result["model"]["sha256"] for result in answered} == {CHAMPION.sha256}
            client.post("/v1/score", json={"items": [FAKE_DOCTOR]}, headers=amy)
            wait(lambda: _shadow(client, amy)["posts"] == 3)
            told = _shadow(client, amy)
            assert told["model"]["version"] == NEXT
            assert sum(move["posts"] for move in told["moves"]) == 3

    def test_a_shadow_that_is_busy_leaves_posts_out(self, scorer: Scorer, other: Scorer) -> None:
        """No more than a few wait, however many come; the rest is counted as dropped."""
        inside, go_on = threading.Event(), threading.Event()
        engine = Engine(scorer, load_pack(default_pack_path()))
        engine.line_up(scorer, None, 0.0, _Slow(other, inside, go_on))
        judged = engine.judge([json.dumps(FAKE_DOCTOR)])
        for _ in range(shadow.MOST_WAITING + 5):
            engine.look_on(judged)
        assert engine.model_shadow
        assert engine.model_shadow.report()["dropped"] == 5
        go_on.set()
        wait(lambda: engine.model_shadow.report()["posts"] == shadow.MOST_WAITING)


class _Slow(Scorer):
    """A loaded model that waits before it answers."""

    def __init__(self, scorer: Scorer, inside: threading.Event, go_on: threading.Event) -> None:
        vars(self).update(vars(scorer))
        self.version = scorer.version.model_copy(update={"version": "slow", "sha256": "1" * 64})
        self._inside, self._go_on = inside, go_on

    def score(self, posts: Sequence[Post]) -> list[HeadScores]:
        """Once it may."""
        self._inside.set()
        assert self._go_on.wait(10)
        return super().score(posts)


def _shadow(client: TestClient, who: Headers) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/v1/shadow", headers=who).json()["model"]
    return found


def wait(until: Callable[[], bool], seconds: float = 20) -> None:
    """At most so long."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)


def make(desk: Desk, sha256: str, stage: Stage, share: float | None = None) -> None:
    """Release a version as Ben, and let the server follow."""
    with desk.database.write() as connection:
        caller = caller_of(connection, "ben")
        wish = Wish(stage, "试运行", share)
        now = datetime.now(UTC)
        releases.release(connection, desk.follower.registry, sha256, wish, caller, now)
    desk.follow_models()


class TestServers:
    """Servers follow the store."""

    def test_another_server_follows(
        self, desk: Desk, scorer: Scorer, admins: tuple[Headers, Headers], bundle: Path
    ) -> None:
        """Through canary, promotion and rollback."""
        engine = Engine(scorer, desk.engine.active.loaded)
        other = open_desk(
            engine, desk.database, "", Follower(engine, desk.follower.registry, threads=1)
        )
        sha256 = add(desk, bundle)
        for stage, share, champion, canary in (
            (Stage.CANARY, 0.5, CHAMPION.sha256, sha256),
            (Stage.CHAMPION, None, sha256, None),
        ):
            make(desk, sha256, stage, share)
            other.tend()
            for each in (desk, other):
                lineup = each.engine.lineup
                assert lineup.champion.version.sha256 == champion
                assert (lineup.canary and lineup.canary.version.sha256) == canary
        with desk.database.write() as connection:
            releases.rollback(
                connection,
                desk.follower.registry,
                "误报",
                caller_of(connection, "amy"),
                datetime.now(UTC),
            )
        other.tend()
        assert other.engine.lineup.champion.version == CHAMPION

    def test_a_server_that_cannot_load_a_version_goes_on_and_says_so(
        self,
        desk: Desk,
        scorer: Scorer,
        admins: tuple[Headers, Headers],
        bundle: Path,
        tmp_path: Path,
    ) -> None:
        """In /readyz and in the metrics; and takes it up once it can."""
        amy, _ = admins
        sha256 = add(desk, bundle)
        make(desk, sha256, Stage.CHAMPION)
        engine = Engine(scorer, desk.engine.active.loaded)
        empty = Registry(tmp_path / "elsewhere")
        follower = Follower(engine, empty, threads=1)
        lost = open_desk(engine, desk.database, "", follower)
        with serving(lost) as client:
            told = client.get("/readyz").json()
            assert (told["model"]["sha256"], told["unloaded"]) == (CHAMPION.sha256, [sha256])
            body = {"items": [FAKE_DOCTOR]}
            (result,) = client.post("/v1/score", json=body, headers=amy).json()["results"]
            assert result["model"]["sha256"] == CHAMPION.sha256
            metrics = client.get("/metrics", headers=amy).text
            assert "mingbian_models_unloaded 1.0" in metrics
            assert f'stage="champion",version="{CHAMPION.version}"' in metrics
            assert client.get("/v1/models", headers=amy).json()["models"][-1]["stage"] == "champion"
        empty.add(bundle)
        follower._failed[sha256] -= 3600
        lost.follow_models()
        assert engine.lineup.champion.version.sha256 == sha256
        assert follower.unloaded == []

    def test_a_case_is_ruled_on_with_the_thresholds_of_its_own_model(
        self, desk: Desk, admins: tuple[Headers, Headers], bundle: Path
    ) -> None:
        """Also when that model is no longer in force."""
        sha256 = add(desk, bundle)
        version = read_manifest(bundle).version
        make(desk, sha256, Stage.CHAMPION)
        then = desk.engine.active
        assert desk.active_for(version) == then
        with desk.database.write() as connection:
            caller = caller_of(connection, "amy")
            registry = desk.follower.registry
            releases.rollback(connection, registry, "误报", caller, datetime.now(UTC))
        desk.follow_models()
        assert desk.active_for(version) == then
        assert desk.active_for(CHAMPION) == desk.engine.active != then

    def test_a_folder_that_cannot_be_written_stops_nothing_else(
        self, desk: Desk, scorer: Scorer, tmp_path: Path
    ) -> None:
        """The server goes on with all else that it does beside answering."""
        (tmp_path / "taken").write_text("", encoding="utf-8")
        engine = Engine(scorer, desk.engine.active.loaded)
        registry = Registry(tmp_path / "taken")
        follower = Follower(engine, registry, 1, default_model_folder())
        assert replace(desk, engine=engine, follower=follower).tend() is False
        assert not registry.has(CHAMPION.sha256)


class TestCommands:
    """``mingbian models`` beside a server that runs."""

    def test_promotion_and_rollback_lose_no_request(
        self, call: Run, tmp_path: Path, bundle: Path, scorer: Scorer, other: Scorer
    ) -> None:
        """Under load each answer is the one that the model it names gives."""
        key = call("users", "add", "amy", "--role", "policy_admin").stdout.strip()
        call("users", "add", "ben", "--role", "policy_admin")
        scoring = call("users", "add", "platform", "--role", "scorer").stdout.strip()
        added = call("models", "add", str(bundle), "--as", "amy")
        sha256 = added.stdout.strip()
        assert sha256 == read_manifest(bundle).sha256, added.stderr
        expected = {each.version.sha256: _scores_of(each) for each in (scorer, other)} | {
            sha256: _scores_of(other)
        }
        reason = ("--reason", "召回更高", "--as")
        with server(tmp_path) as (address, _), Load(address, scoring) as load:
            load.until(CHAMPION.sha256)
            refused = call("models", "release", sha256, "--stage", "champion", *reason, "amy")
            assert refused.returncode == 2
            assert "another person" in refused.stderr
            canary = ("--stage", "canary", "--share", "0.4")
            assert call("models", "release", sha256[:10], *canary, *reason, "ben").returncode == 0
            load.until(sha256)
            promoted = call("models", "release", sha256, "--stage", "champion", *reason, "ben")
            assert promoted.returncode == 0
            load.until(sha256, alone=True)
            back = httpx.post(
                f"{address}/v1/models/rollback",
                json={"reason": "误报增多"},
                headers={"Authorization": f"Bearer {key}"},
            )
            assert back.json()["sha256"] == CHAMPION.sha256
            load.until(CHAMPION.sha256, alone=True)
        assert len(load.seen) > 50
        assert {status for status, _, _ in load.seen} == {200}
        for _, model, scores in load.seen:
            assert scores == expected[model]
        stages = {
            line.split()[2]: line.split()[3] for line in call("models", "list").stdout.splitlines()
        }
        assert stages == {CHAMPION.version: "champion", NEXT: "-"}

    def test_a_server_that_starts_again_goes_on_with_the_champion_of_the_store(
        self, call: Run, run: Run, tmp_path: Path, bundle: Path
    ) -> None:
        """Whatever model is in the package."""
        for name in ("amy", "ben"):
            call("users", "add", name, "--role", "policy_admin")
        kept = Registry(tmp_path / "mingbian.models")
        with server(tmp_path):
            wait(lambda: kept.has(CHAMPION.sha256))
        sha256 = call("models", "add", str(bundle), "--as", "amy").stdout.strip()
        champion = ("--stage", "champion", "--reason", "上线", "--as", "ben")
        assert call("models", "release", sha256, *champion).returncode == 0
        with server(tmp_path) as (address, _):
            assert httpx.get(f"{address}/readyz").json()["model"]["sha256"] == sha256
        shutil.rmtree(kept.folder(sha256))
        lost = run("serve", "--port", "0")
        assert (lost.returncode, "--models" in lost.stderr) == (2, True)

    def test_lineage_tells_from_which_verdicts_a_behaviour_came(
        self, store_url: str, desk: Desk, call: Run, admins: tuple[Headers, Headers], tmp_path: Path
    ) -> None:
        """Parent by parent; of a clause what breaks it, and what cleared a post of it."""
        amy, _ = admins
        with serving(desk) as client:
            body = {"items": [FAKE_DOCTOR]}
            (kept,) = client.post("/v1/score", json=body, headers=amy).json()["results"]
        assert "4.1" in {label["clause"] for label in kept["labels"]}
        cleared = (f"{kept['decision_id']}.appeal", "p3", Origin.APPEAL, "cat", Verdict.CLEAN, ())
        bundle = write_bundle(tmp_path / "bundle", lessons=[*LESSONS, cleared])
        write_gates(bundle)
        sha256 = add(desk, bundle)
        there = ("--store", store_url, "--models", str(tmp_path / "models"))
        told = call("models", "lineage", sha256, "--clause", "4.1", *there)
        assert told.returncode == 0, told.stderr
        assert "code abc123" in told.stdout
        assert "1 review, 2 appeal" in told.stdout or "2 appeal, 1 review" in told.stdout
        assert "p1" in told.stdout
        assert "p3" in told.stdout
        assert "p2" not in told.stdout
        found = json.loads(call("models", "lineage", sha256, "--json", *there).stdout)
        versions = [each["model"]["version"] for each in found["lineage"]]
        assert versions == [NEXT, CHAMPION.version, PARENT.version]
        assert found["lineage"][1]["sources"][0]["sha256"]
        assert found["lineage"][0]["events"] == {"appeal": 2, "review": 1}
        wrong = call("models", "lineage", sha256, "--clause", "9.9", *there)
        assert (wrong.returncode, "taxonomy" in wrong.stderr) == (2, True)

    def test_who_may_not_is_told(self, call: Run, bundle: Path) -> None:
        """Nobody unknown, nobody without the role, no version that is not there."""
        call("users", "add", "mod", "--role", "moderator")
        for user in ("mod", "nobody"):
            assert call("models", "add", str(bundle), "--as", user).returncode == 2
        call("users", "add", "amy", "--role", "policy_admin")
        said = ("--reason", "退", "--as", "amy")
        assert "no champion" in call("models", "rollback", *said).stderr
        missing = call("models", "release", "0" * 64, "--stage", "shadow", *said)
        assert (missing.returncode, "there is no model" in missing.stderr) == (2, True)


def _scores_of(scorer: Scorer) -> dict[str, float]:
    (result,) = Engine(scorer, load_pack(default_pack_path())).score([json.dumps(FAKE_DOCTOR)])
    found: dict[str, float] = json.loads(result.model_dump_json())["scores"]
    return found


class Load:
    """Posts of ever new accounts by two clients, without a pause: status, model and scores."""

    def __init__(self, address: str, key: str) -> None:
        self.seen: list[tuple[int, str, dict[str, float]]] = []
        self._address, self._headers = address, {"Authorization": f"Bearer {key}"}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(name,)) for name in "ab"]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def until(self, sha256: str, *, alone: bool = False) -> None:
        """Wait until a model answers, or ``alone``, it and no other for a while."""
        begun = len(self.seen)
        wait(lambda: self._answers(begun, sha256, alone=alone), 40)

    def _answers(self, begun: int, sha256: str, *, alone: bool) -> bool:
        models = [model for _, model, _ in self.seen[begun:]]
        return set(models[-30:]) == {sha256} and len(models) > 30 if alone else sha256 in models

    def _ask(self, name: str) -> None:
        number = 0
        with httpx.Client(base_url=self._address, headers=self._headers, timeout=30) as client:
            while not self._stop.is_set():
                number += 1
                author = {**FAKE_DOCTOR["author"], "account_id": f"{name}{number}"}
                item = {**FAKE_DOCTOR, "data_id": f"{name}{number}", "author": author}
                answer = client.post("/v1/score", json={"items": [item], "store": "none"})
                (result,) = answer.json().get("results", [{}])
                model = result.get("model", {}).get("sha256", "")
                self.seen.append((answer.status_code, model, result.get("scores", {})))
