"""What was found, in plain sentences, Chinese and English."""

from labels.taxonomy import taxonomy
from serving.hidden import plain
from serving.names import named
from serving.pages import Name, percent
from serving.watch.copies import Shared
from serving.watch.drift import Drift
from serving.watch.limits import Limits
from serving.watch.surges import Surge

_PROPERTIES: dict[str, Name] = {
    "length": ("字数", "length in characters"),
    "platform": ("平台", "platform"),
    "author": ("是否提供作者", "whether an author was given"),
    "account_type": ("账号认证类型", "account type"),
    "declared": ("是否提供声明", "whether declarations were given"),
    "declared.ai_generated": ("声明：AI 生成", "declared: AI-generated"),
    "declared.fiction": ("声明：虚构", "declared: fiction"),
    "declared.repost": ("声明：转载", "declared: repost"),
    "declared.marketing": ("声明：营销", "declared: marketing"),
    "declared.opinion": ("声明：个人观点", "declared: opinion"),
    "declared.no_label_needed": ("声明：无需标注", "declared: no label needed"),
    "declared.source": ("声明：来源", "declared: source"),
    "declared.event_date": ("声明：事件日期", "declared: date of the event"),
    "hour": ("发布时段（北京时间）", "hours of publication (Beijing)"),
    "suggestion": ("建议", "suggestion"),
    "words": ("文字（字符 n-gram 向量）", "words (vectors of character n-grams)"),
}
_VALUES: dict[str, Name] = {
    "absent": ("未提供", "not given"),
    "given": ("已提供", "given"),
    "others": ("其他", "others"),
    "true": ("是", "yes"),
    "false": ("否", "no"),
}
GROUPS: dict[str, Name] = {
    "input": ("输入", "Input"),
    "score": ("分数（按人群比例）", "Scores (at the population's rates)"),
    "decision": ("建议", "Suggestions"),
    "clause": ("条款", "Clauses"),
    "embedding": ("文字", "Words"),
}


def property_of(drift: Drift) -> Name:
    """What a test is about."""
    if drift.group == "clause":
        return clause_name(drift.name)
    if drift.group == "score":
        return named("category", drift.name)
    return _PROPERTIES[drift.name]


def clause_name(clause: str) -> Name:
    """Number and name of a clause."""
    entry = taxonomy().clauses[clause]
    return f"{clause} {entry.zh}", f"{clause} {entry.en}"


def moved(drift: Drift) -> Name:
    """What moved most, from the past to now."""
    if drift.now is None:
        return "–", "–"
    if drift.group == "embedding":
        return (
            f"分类器判对 {percent(drift.now)}",
            f"a classifier tells {percent(drift.now)} rightly",
        )
    if drift.value is None:
        written = _score if drift.group == "score" else _length
        before, now = written(drift.before), written(drift.now)
        return f"中位数 {before} → {now}", f"median {before} → {now}"
    before, now = percent(drift.before), percent(drift.now)
    if drift.group == "clause":
        return f"触及 {before} → {now}", f"raised by {before} → {now}"
    zh, en = _value(drift)
    return f"{zh} {before} → {now}", f"{en} {before} → {now}"


def said_of_drift(drift: Drift, limits: Limits) -> Name:
    """Whether a property changed, and how."""
    least = limits.drift.least_accounts
    if drift.found is None or drift.p_value is None:
        return (
            f"账号太少，没有检验（每期至少 {least} 个）。",
            f"Too few accounts to test; each period needs {least}.",
        )
    zh, en = moved(drift)
    shift, p_value = percent(drift.found.shift), _p(drift.p_value)
    if drift.p_value > limits.drift.level:
        return (
            f"看不出变化（校正后 p {p_value}）。",
            f"No change to be seen (corrected p {p_value}).",
        )
    small = "" if drift.alarm else "，小于告警线"
    little = "" if drift.alarm else ", less than an alarm needs"
    return (
        f"变了：{zh}；相差 {shift}{small}（校正后 p {p_value}）。",
        f"Changed: {en}; a shift of {shift}{little} (corrected p {p_value}).",
    )


def said_of_surge(surge: Surge) -> Name:
    """How many accounts raised a clause on a day, against the past."""
    zh, en = clause_name(surge.clause)
    expected, p_value = f"{surge.expected:.1f}", _p(surge.p_value)
    return (
        f"{surge.day}，{surge.accounts:,} 个账号触及 {zh}；往常每天 {expected} 个"
        f"（校正后 p {p_value}）。",
        f"On {surge.day} {surge.accounts:,} accounts raised {en}; {expected} a day before "
        f"(corrected p {p_value}).",
    )


def said_of_copies(shared: Shared) -> Name:
    """How many accounts share words, against the past."""
    expected = f"{shared.expected:.1f}"
    return (
        f"{shared.accounts:,} 个账号共用一段文字；按往常约 {expected} 个。",
        f"{shared.accounts:,} accounts share words; {expected} by the past.",
    )


def _p(value: float) -> str:
    return f"= {value:.4f}" if value >= 1e-4 else "< 0.0001"  # noqa: PLR2004  as many places


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _length(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _value(drift: Drift) -> Name:
    value = drift.value or ""
    if drift.name == "suggestion":
        return named("suggestion", value)
    if drift.name == "account_type":
        return named("account_type", None if value == "absent" else value)
    return _VALUES.get(value, (plain(value), plain(value)))
