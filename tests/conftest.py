"""What several tests share: posts, the shipped engine, the command line."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import mingbian
from classifiers.bundle import default_model_folder
from classifiers.scorer import Scorer, load_scorer
from labels.records import Post, parse_post
from policy.pack import default_pack_path, load_pack
from serving.desk import Desk, open_desk
from serving.engine import Engine
from serving.following import Follower
from serving.registry import Registry
from serving.store.database import Database

FAKE_DOCTOR: dict[str, Any] = {
    "data_id": "fake-doctor",
    "text": "从医32年的良心话：血压高别排队挂号了，喝我配的络安茶就行，"
    "三个疗程停掉降压药，私信领。",
    "author": {
        "display_name": "三甲心内温主任",
        "bio": "老专家，调理血压三十年",
        "verified_as": "none",
        "credentials": [],
    },
    "declared": {"ai_generated": False},
}
REAL_DOCTOR: dict[str, Any] = {
    "data_id": "real-doctor",
    "text": "本人栎川二院心内科医师（已认证）。依《中国高血压防治指南》，降压药不要自行停，"
    "先在家连测七天血压，带着记录来门诊调整。",
    "author": {
        "display_name": "心内科温岚",
        "bio": "栎川市第二人民医院心内科主治医师",
        "verified_as": "professional",
        "credentials": ["医师执业证书"],
        "field": "medical",
    },
    "declared": {"ai_generated": False, "source": "《中国高血压防治指南》"},
}


def make_post(**fields: Any) -> Post:
    """A post through the same door as every other one."""
    return parse_post(json.dumps({"data_id": "p1", "text": "今天天气不错", **fields}))


@pytest.fixture
def post() -> Callable[..., Post]:
    """Builds a post from the fields that matter to a test."""
    return make_post


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    """The model that rides in the package."""
    return load_scorer(default_model_folder(), threads=1)


@pytest.fixture(scope="session")
def engine(scorer: Scorer) -> Engine:
    """The model and the pack that ride in the package."""
    return Engine(scorer, load_pack(default_pack_path()))


@pytest.fixture
def local_desk(tmp_path: Path, scorer: Scorer) -> Iterator[Desk]:
    """On SQLite, for what does not depend on the store."""
    source = default_pack_path().read_text(encoding="utf-8")
    database = Database(f"sqlite:///{tmp_path / 'local.db'}")
    engine = Engine(scorer, load_pack(default_pack_path()))
    follower = Follower(engine, Registry(tmp_path / "local.models"), threads=1)
    yield open_desk(engine, database, source, follower)
    database.close()


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs ``mingbian`` as a person would, in an empty folder."""

    def call(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("mingbian")), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=tmp_path,
            check=False,
            timeout=120,
        )

    return call


@pytest.fixture
def call(tmp_path: Path) -> Run:
    """The same in this process, whose libraries are loaded: that takes a command seconds."""

    def answered(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        with pytest.MonkeyPatch.context() as person, CliRunner().isolation(stdin) as streams:
            person.chdir(tmp_path)
            person.setattr(sys, "argv", ["mingbian", *arguments])
            with pytest.raises(SystemExit) as ended:
                mingbian.main()
            told, complained = (stream.getvalue().decode() for stream in streams[:2])
        status = int(ended.value.code or 0)
        return subprocess.CompletedProcess(arguments, status, told, complained)

    return answered


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those marked ``first`` come first; the others stay in order."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)
