"""Disguised words read as what they stand for, and ordinary text is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.dataset import corpus_folder, load_corpus, posts
from labels.disguise import fold, reveal, table
from labels.normalize import normalize, simplify

SIGNS = "医生说根治＊*癌·ﷺ㈱wWｘi 信讠兑💊👨‍⚕️\u200b\u0336亾臺"


@pytest.mark.parametrize(
    ("written", "reads"),
    [
        ("ｗｘ加我", "微信加我"),
        ("降\u200b压\u2060药", "降压药"),
        ("降̶压̶药", "降压药"),
        ("降壓藥", "降压药"),
        ("死亾三个", "死亡三个"),
        ("医*生说", "医生说"),
        ("根 治 癌 症", "根治癌症"),
        ("神◆医说根~治糖尿★病", "神医说根治糖尿病"),
        ("吃💊就好", "吃药就好"),
        ("他讠兑过", "他说过"),
        ("老yi生坐诊", "老医生坐诊"),
        ("囯家规定", "国家规定"),
    ],
)
def test_disguises_are_undone(written: str, reads: str) -> None:
    """One of each kind."""
    assert reveal(written).text == reads


@pytest.mark.parametrize(
    "text",
    [
        "Huawei信号不错",
        "今天好开心🎉",
        "老认证|补贴代办",
        "三宝妈~亲子",
        "新闻|体育|财经",
        "好吃~下次还来，第二家也不错的哦~推荐，第三家排队太久就没有进去了~遗憾",
        "凯斯·布里吉斯说",
        "红、黄、蓝、绿四色",
        "www, wxyz",
    ],
)
def test_ordinary_writing_stays(text: str) -> None:
    """Separators, decorations, foreign words and names."""
    assert reveal(text).text == simplify(normalize(text))


def test_the_corpus_reads_as_it_is_written() -> None:
    """Nearly every post that hides nothing is left alone."""
    rows = [post.text for post in posts(load_corpus(corpus_folder()))[::8] if not post.evasion]
    texts = [text for text in rows if text]
    changed = [text for text in texts if reveal(text).text != simplify(normalize(text))]
    assert len(changed) < 0.02 * len(texts)


@given(st.text(alphabet=SIGNS, max_size=60) | st.text(max_size=60))
def test_every_place_leads_back_to_the_original(text: str) -> None:
    """In order, within bounds, and what was not touched is found where it was."""
    found = reveal(text)
    assert len(found.starts) == len(found.text) + 1
    assert list(found.starts) == sorted(found.starts)
    assert found.starts[-1] == len(text)
    assert found.original(0, len(found.text))[1] == len(text)


def test_a_revealed_word_is_found_in_the_original() -> None:
    """The way back covers the disguise."""
    written = "他讠兑用w\u200bei信领💊。"
    found = reveal(written)
    start = found.text.index("微信")
    low, high = found.original(start, start + 2)
    assert written[low:high] == "w\u200bei信"


def test_folding_lowers_and_joins() -> None:
    """What the character model reads."""
    assert fold("  ＡＢＣ \n 說") == "abc 说"


@pytest.mark.parametrize("name", ["lookalike", "split", "emoji", "homophone"])
def test_tables_hold_distinct_disguises(name: str) -> None:
    """Nothing stands for itself or is empty, and what is read is never read again otherwise."""
    entries = table(name)
    assert len(entries) > 100
    assert all(written and reading and written != reading for written, reading in entries.items())
    assert all(len(written) == 1 for written in table("lookalike"))
