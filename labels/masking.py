"""Personal data in the words of a post, masked before they leave a store for training."""

import re

from labels.records import Post

_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}", re.ASCII)
_MENTION = re.compile(r"@[\w\-·]{1,30}")
#: a resident's number: 17 digits and a check sign (GB 11643-1999)
_RESIDENT = re.compile(r"(?<!\d)[1-9]\d{16}[\dXx](?!\d)")
_CARD = re.compile(r"(?<!\d)\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?(?!\d)")
#: mobile, landline and service numbers
PHONE = re.compile(
    r"(?<!\d)(?:1[3-9]\d(?:[ -]?\d{4}){2}|0\d{2,3}[ -]?\d{7,8}|[48]00(?:[ -]?\d){7})(?!\d)"
)
_CHAT = re.compile(r"((?:微信|薇信|威信|VX|vx|wx|WX|QQ|qq)号?[:： ]{0,2})[\w-]{5,20}", re.ASCII)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·. ]?[A-Z0-9]{5,6}"
)
_MASKS = (
    (_MAIL, "某某邮箱"),
    (_MENTION, "@用户"),
    (_RESIDENT, "000000"),
    (PHONE, "0" * 11),
    (_CARD, "0000"),
    (_CHAT, r"\g<1>某某"),
    (_PLATE, "某A00000"),
)


def masked(text: str) -> str:
    """Mail addresses, mentions, phone, card, resident's, chat and plate numbers as ciphers."""
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


def masked_post(post: Post) -> Post:
    """A post without account number, file metadata and callback, its words masked.

    Display name and bio stay, masked: they are evidence (clauses 1.1, 1.2 and 4.1).
    """
    author = post.author and post.author.model_copy(
        update={
            "account_id": None,
            "display_name": _or_none(post.author.display_name),
            "bio": _or_none(post.author.bio),
        }
    )
    return post.model_copy(
        update={
            "title": _or_none(post.title),
            "text": _or_none(post.text),
            "author": author,
            "metadata": None,
            "callback": None,
        }
    )


def _or_none(text: str | None) -> str | None:
    return None if text is None else masked(text)
