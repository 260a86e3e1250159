"""What to ask an author before posting: prompts, never sanctions.

Sources: the notice of 2025-07-29 (source labels, certified qualifications, old news), the
labelling measures of 2025, art. 10, and the six labels of 2026-05-13.
"""

from collections.abc import Iterator

from labels.cases import Strikes
from labels.reader import Kind, LabelReading
from labels.records import Post
from labels.results import HeadScores, Prompt
from policy.cases import CLAUSES, one
from policy.decide import label_facts
from policy.judge import AI_LABEL_MISSING, FICTION_LABEL_MISSING, judge
from policy.resolve import Policy

_SOURCE_CLAUSES = ("3.1", "3.2")
_OLD_NEWS, _CREDENTIAL = "2.5", "4.2"
#: where the notice asks for certified qualifications
_GATED_FIELDS = ("finance", "medical", "law", "education")
_UNCERTIFIED = ("none", "person")

_PROMPTS = {
    prompt.code: prompt
    for prompt in (
        Prompt(
            code="source_missing",
            field="declared.source",
            zh="内容涉及时事、公共政策或社会事件，请标注信息来源。",
            en="This is about current affairs, public policy or a social event: name its source.",
        ),
        Prompt(
            code="ai_label_missing",
            field="declared.ai_generated",
            zh="内容可能由AI生成或合成，如属实请声明“含有AI生成内容”。",
            en="This may be made or altered by AI: if so, declare it.",
        ),
        Prompt(
            code="fiction_label_missing",
            field="declared.fiction",
            zh="内容可能是虚构或演绎，如属实请声明“含有虚构演绎内容”。",
            en="This may be fiction or acted: if so, declare it.",
        ),
        Prompt(
            code="old_news_undated",
            field="declared.event_date",
            zh="内容可能是旧闻，请写明事件发生的时间和地点。",
            en="This may be old news: say when and where it happened.",
        ),
        Prompt(
            code="qualification_missing",
            field="author.credentials",
            zh="发布该专业领域内容前，请完成资质认证。",
            en="Have your qualification certified before posting in this field.",
        ),
    )
}


def precheck(
    post: Post, scores: HeadScores, reading: LabelReading, policy: Policy
) -> tuple[Prompt, ...]:
    """The prompts a publishing form should show, none where nothing is missing.

    Args:
        post: as it is about to be published.
        scores: of the post.
        reading: its labels and declarations.
        policy: resolved for the model that scored.
    """
    ruling = judge(one(scores, label_facts(reading), Strikes(), None), policy)
    raised = {CLAUSES[place] for place in ruling.levels[0].nonzero()[0]}
    by_machine = bool(ruling.by_machine[0])
    return tuple(_PROMPTS[code] for code in _missing(post, reading, raised, by_machine=by_machine))


def _missing(
    post: Post, reading: LabelReading, raised: set[str], *, by_machine: bool
) -> Iterator[str]:
    declared, author = post.declared, post.author
    has_source = bool(declared and declared.source) or reading.wording(Kind.SOURCE)
    if raised.intersection(_SOURCE_CLAUSES) and not has_source:
        yield "source_missing"
    if AI_LABEL_MISSING in raised or by_machine:
        yield "ai_label_missing"
    if FICTION_LABEL_MISSING in raised:
        yield "fiction_label_missing"
    if _OLD_NEWS in raised and not (declared and declared.event_date):
        yield "old_news_undated"
    gated = author and author.field in _GATED_FIELDS and author.verified_as in _UNCERTIFIED
    if _CREDENTIAL in raised or (gated and not (author and author.credentials)):
        yield "qualification_missing"
