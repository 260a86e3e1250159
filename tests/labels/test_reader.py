"""Labels are read as labels, and talk about labels is not.

The lines of set 5 are for measuring: never change a pattern for one of them.
"""

import json
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from labels.reader import AiState, Kind, Wording, read_explicit, read_labels
from labels.records import Post

LINES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "ai_label_lines.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


def kinds(text: str) -> dict[Kind, Wording]:
    return {label.kind: label.wording for label in read_explicit(text)}


@pytest.mark.parametrize(
    "text",
    [
        "含有AI生成内容",
        "内容由AI生成",
        "该视频使用人工智能合成技术",
        "[AI生成]",
        "本文由AI生成，请注意甄别",
        "ＡＩ生成图片",
        "圖片由AI生成",
        "本\u200b内容由A\u200bI生成",
        "“内容由AI生成”",
        "雨夜里的三轮车。\n（内容由AI生成，仅供参考）",
        "配音采用人工智能合成",
        "A I 生 成",
        "AI-generated",
        "暴雨里的三轮车 #AI生成",
    ],
)
def test_conforming_labels(text: str) -> None:
    """Both elements of GB 45438-2025, 5.1, in the forms of platforms and careful authors."""
    assert kinds(text).get(Kind.AI) is Wording.CONFORMING


@pytest.mark.parametrize(
    "text",
    ["AI辅助创作", "AI绘制", "用AI画的", "包含 AI 辅助创作", "封面 AI制作", "疑似使用AI", "引用AI"],
)
def test_weak_labels(text: str) -> None:
    """An AI element without a generation element is a label that does not conform."""
    assert kinds(text).get(Kind.AI) is Wording.WEAK


@pytest.mark.parametrize(
    "text",
    [
        "不是AI生成",
        "这不是AI生成的",
        "去AI水印",
        "三步去掉AI生成水印和元数据，平台绝对查不出来",
        "AI生成的假视频",
        "AI生成内容标识办法",
        "是不是AI",
        "《人工智能生成合成内容标识办法》今天起施行",
        "警方通报：男子用AI生成虚假火情图片被罚",
        "收到“内容由AI生成”的提示好烦，我明明手画的",
        "教你用AI生成头像",
        "人工智能这门课太难了",
        "合成大西瓜通关了",
    ],
)
def test_talk_about_ai_is_no_label(text: str) -> None:
    """Denials, offers to remove, news, law and questions declare nothing."""
    assert Kind.AI not in kinds(text)


TUNED_ON = [line for line in LINES if line["set"] < 5]
UNSEEN = [line for line in LINES if line["set"] == 5]


@pytest.mark.parametrize("line", [x for x in TUNED_ON if x["expect"] == "none"][::7])
def test_hand_written_talk_is_no_label(line: dict[str, str]) -> None:
    """Every seventh line of talk that the patterns were tuned on, each for itself."""
    assert Kind.AI not in kinds(line["text"])


@pytest.mark.parametrize(
    ("lines", "labels_read", "talk_misread"),
    [(TUNED_ON, 0.93, 0.02), (UNSEEN, 0.93, 0.07)],
    ids=["tuned on", "never tuned on"],
)
def test_hand_written_lines_keep_their_figures(
    lines: list[dict[str, str]], labels_read: float, talk_misread: float
) -> None:
    """Floors against regressions, beside the figures in docs/labels.md."""
    talk = [line for line in lines if line["expect"] == "none"]
    labels = [line for line in lines if line["expect"] != "none"]
    assert len(talk) >= 40
    assert sum(Kind.AI in kinds(line["text"]) for line in talk) <= talk_misread * len(talk)
    assert sum(Kind.AI in kinds(line["text"]) for line in labels) >= labels_read * len(labels)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("含有虚构演绎内容", Kind.FICTION),
        ("情景演绎，仅供娱乐", Kind.FICTION),
        ("纯属虚构", Kind.FICTION),
        ("短剧《电梯惊魂》第3集", Kind.FICTION),
        ("内容为个人观点", Kind.OPINION),
        ("个人观点，仅供参考", Kind.OPINION),
        ("内容为转载", Kind.REPOST),
        ("转自：栎川发布", Kind.REPOST),
        ("含有营销信息", Kind.MARKETING),
        ("无需标注", Kind.NO_LABEL_NEEDED),
        ("来源：《南渚日报》9月3日", Kind.SOURCE),
        ("拍摄于9月3日栎川人民公园", Kind.SELF_SHOT),
        ("该内容仅供娱乐，请勿过分解读", Kind.CAUTION),
        ("温岫影迷站（非本人）", Kind.DISCLOSED),
    ],
)
def test_other_labels(text: str, kind: Kind) -> None:
    """The six mandatory labels of 2026-05-13 and the older forms."""
    assert kind in kinds(text)


@pytest.mark.parametrize("text", ["绝非演绎，真实经历", "这是虚构演绎吗？"])
def test_denied_fiction_is_no_label(text: str) -> None:
    """A skit sold as true does not label itself by denying it."""
    assert Kind.FICTION not in kinds(text)


AIGC = {"Label": "1", "ContentProducer": "0011", "ProduceID": "x1", "ReservedCode1": ""}


@pytest.mark.parametrize(
    ("fields", "state", "malformed"),
    [
        ({}, AiState.NONE, False),
        ({"metadata": {"AIGC": AIGC}}, AiState.CONFIRMED, False),
        ({"metadata": {"AIGC": json.dumps(AIGC)}}, AiState.CONFIRMED, False),
        ({"metadata": {"xmp": [{"TC260:AIGC": AIGC}]}}, AiState.CONFIRMED, False),
        ({"metadata": {"AIGC": AIGC | {"Label": "2"}}}, AiState.POSSIBLE, False),
        ({"metadata": {"AIGC": AIGC | {"Label": "3"}}}, AiState.SUSPECTED, False),
        ({"metadata": {"AIGC": AIGC | {"Label": 1}}}, AiState.SUSPECTED, True),
        ({"metadata": {"AIGC": AIGC | {"Label": "AIGC"}}}, AiState.SUSPECTED, True),
        ({"metadata": {"AIGC": {"ServiceProvider": "v"}}}, AiState.SUSPECTED, True),
        ({"metadata": {"AIGC": "损坏"}}, AiState.SUSPECTED, True),
        ({"metadata": {"AIGC": None}}, AiState.NONE, False),
        ({"metadata": {"width": 640}}, AiState.NONE, False),
        (
            {"metadata": {"AIGC": AIGC | {"Label": "3"}}, "declared": {"ai_generated": True}},
            AiState.SUSPECTED,
            False,
        ),
        ({"declared": {"ai_generated": True}}, AiState.POSSIBLE, False),
        ({"declared": {"ai_generated": False}}, AiState.NONE, False),
        ({"text": "含有AI生成内容｜雨夜"}, AiState.SUSPECTED, False),
        ({"title": "【AI生成】雨夜"}, AiState.SUSPECTED, False),
        ({"author": {"bio": "本账号图片均由AI生成"}}, AiState.SUSPECTED, False),
        ({"text": '---\nAIGC:\n  Label: "1"\n  ProduceID: a\n---\n正文'}, AiState.CONFIRMED, False),
        (
            {"text": "正文\n```yaml\nAIGC:\n  ReserveCode1: YQ==\n  Label: 2\n```"},
            AiState.POSSIBLE,
            False,
        ),
        ({"text": "正文\n---\nAIGC:\n  Label: AIGC\n---"}, AiState.SUSPECTED, True),
        ({"text": "AIGC: 一种新技术\n很好用"}, AiState.NONE, False),
    ],
)
def test_state_follows_article_6(
    post: Callable[..., Post], fields: dict[str, object], state: AiState, malformed: bool
) -> None:
    """Metadata, then declaration, then traces; a file's own label is never upgraded."""
    reading = read_labels(post(**fields))
    assert (reading.state, reading.malformed) == (state, malformed)


def test_what_was_read_is_told(post: Callable[..., Post]) -> None:
    """A moderator sees the words and the fields behind a state."""
    misspelt = {"label": "1", "ReserveCode1": "YQ==", "Vendor": "v"}
    reading = read_labels(post(text="图片由AI生成。好看。", metadata={"AIGC": misspelt}))
    assert reading.explicit[0].text == "图片由ai生成。"
    (implicit,) = reading.implicit
    assert implicit.label == "1"
    assert implicit.fields["ReservedCode1"] == "YQ=="
    told = " ".join(implicit.deviations)
    assert all(name in told for name in ("label", "ReserveCode1", "Vendor", "ProduceID"))


_ALIASES = "AIGC:\n a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f" {after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
    for before, after in pairwise("abcdefghijk")
)


@pytest.mark.parametrize(
    "text",
    [
        "图片" * 10_000,
        "配图图片" * 4_990 + "ai生",
        "背景音乐AI生成" * 2_000,
        "作者声明" * 5_000,
        "#a" * 10_000,
        "【" * 20_000,
        "，。" * 10_000,
        "用AI" * 6_600,
        "AI生成" * 5_000,
        "AIGC:\n" * 3_300,
        "AIGC: " + "[" * 19_000,
        "".join(" " * depth + "AIGC:\n" for depth in range(190)),
        _ALIASES,
    ],
    ids=lambda text: text[:8],
)
def test_hostile_text_is_read_in_the_time_of_any_other(
    post: Callable[..., Post], text: str
) -> None:
    """No backtracking, nesting or alias makes one post stop the others."""
    began = time.process_time()
    read_labels(post(text=text))
    assert time.process_time() - began < 5


def test_deep_metadata_is_survived(post: Callable[..., Post]) -> None:
    """A hostile file cannot exhaust the reader."""
    deep: dict[str, object] = {}
    for _ in range(100):
        deep = {"x": deep}
    assert read_labels(post(metadata=deep)).state is AiState.NONE
    assert read_labels(post(metadata={"x": '{"a":' * 5_000})).state is AiState.NONE
