"""What values are called on pages, Chinese and English."""

from labels.taxonomy import taxonomy
from serving.hidden import plain
from serving.pages import Name

NAMES: dict[str, dict[str | None, Name]] = {
    "suggestion": {
        "pass": ("放行", "pass"),
        "prompt": ("提示", "prompt"),
        "review": ("复核", "review"),
        "act": ("处置（待人工确认）", "act (a person confirms)"),
    },
    "bar": {
        "pass": ("放行", "pass"),
        "prompt": ("提示", "prompt"),
        "review": ("复核", "review"),
        "act": ("处置", "act"),
        "rate": ("送人工", "to people"),
    },
    "step": {
        "none": ("无", "none"),
        "prompt": ("提示补标", "prompt to label"),
        "warning": ("警告", "warning"),
        "short_mute": ("短期禁言", "short mute"),
        "long_mute": ("长期禁言", "long mute"),
        "closure": ("关闭账号", "closure"),
    },
    "account_type": {
        "none": ("未认证", "not verified"),
        "person": ("个人", "person"),
        "professional": ("专业人士", "professional"),
        "organization": ("机构", "organization"),
        "media": ("媒体", "media"),
        "government": ("政府", "government"),
        None: ("未提供", "not given"),
    },
    "ai_state": {
        "none": ("无标识", "none"),
        "suspected": ("疑似", "suspected"),
        "possible": ("可能", "possible"),
        "confirmed": ("确认", "confirmed"),
    },
    "stratum": {
        "act": ("建议处置", "act suggested"),
        "review": ("建议复核", "review suggested"),
        "prompt": ("建议提示", "prompt suggested"),
        "near": ("接近阈值的放行", "passed, near a threshold"),
        "pass": ("放行", "passed"),
    },
    "refused": {
        "blank": ("空白：没有正文、标题或编号", "blank: no text, title or id"),
        "control_character": ("编号含控制字符", "control character in an id"),
        "empty_file": ("空文件", "empty file"),
        "invalid_csv": ("CSV 列数不符", "CSV row does not fit its header"),
        "invalid_json": ("不是合法 JSON", "no valid JSON"),
        "invalid_type": ("字段类型不符", "wrong type of a field"),
        "missing_field": ("缺少必填字段", "required field missing"),
        "not_finite": ("数值为无穷", "infinite number"),
        "outside_window": ("不在时间范围内，或没有时间", "outside the window, or without a time"),
        "repeated_data_id": ("编号重复", "repeated data_id"),
        "too_long": ("超过长度上限", "too long"),
        "unknown_field": ("未知字段", "unknown field"),
        "unknown_value": ("未知取值", "unknown value"),
        "unreadable_file": ("文件无法读取", "unreadable file"),
    },
    "category": {entry.code: (entry.zh, entry.en) for entry in taxonomy().categories},
    "protected": {p.code: (p.zh, p.en) for p in taxonomy().protected_classes},
    "field": {
        "display_name": ("昵称", "name"),
        "bio": ("简介", "bio"),
        "title": ("标题", "title"),
        "text": ("正文", "text"),
    },
}


def named(kind: str, value: str | None) -> Name:
    """What a value is called; an unknown one is called by itself."""
    return NAMES[kind].get(value) or (plain(value), plain(value))
