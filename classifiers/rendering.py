"""What the transformer reads of a post: the account's face as marked fields, and the content.

Closed-valued fields are one marker each, free fields a marker and their words. Markers are ids
past the tokenizer's vocabulary, so no author can write one. A field that was not sent leaves
nothing behind. Platform, ids and dates are not read: they must not become evidence.
"""

import hashlib
from collections.abc import Iterator

from labels.disguise import reveal
from labels.records import Declared, Post

_DECLARATIONS = tuple(
    name for name in Declared.model_fields if name not in ("source", "event_date")
)

_READ = {"title", "text", "author", "declared"}

#: marker: Chinese words whose embeddings it starts from; the order is part of a trained model
MARKERS: dict[str, str] = {
    "name": "昵称",
    "bio": "简介",
    "bio:none": "简介无",
    "credentials": "资质",
    "credentials:none": "资质无",
    "field": "领域",
    "source": "来源",
    "title": "标题",
    "verified_as:none": "未认证",
    "verified_as:person": "个人认证",
    "verified_as:professional": "专业人士认证",
    "verified_as:organization": "机构认证",
    "verified_as:media": "媒体认证",
    "verified_as:government": "政府认证",
    "ai_generated:true": "声明AI生成",
    "ai_generated:false": "未声明AI生成",
    "fiction:true": "声明虚构",
    "fiction:false": "未声明虚构",
    "repost:true": "声明转载",
    "repost:false": "未声明转载",
    "marketing:true": "声明营销",
    "marketing:false": "未声明营销",
    "opinion:true": "声明个人观点",
    "opinion:false": "未声明个人观点",
    "no_label_needed:true": "声明无需标注",
    "no_label_needed:false": "未声明无需标注",
}

#: a marker and the words that follow it
Segment = tuple[str, str]


def face(post: Post) -> list[Segment]:
    """The account and the declarations, closed-valued fields first."""
    return [*_facts(post), *_words(post)]


def content(post: Post) -> str:
    """Title and text as sent; a title stands on a line of its own."""
    return "\n".join(part for part in (post.title, post.text) if part)


def input_digest(post: Post) -> bytes:
    """16 bytes that are equal where a model reads the same: content, face and declarations.

    A field that is absent and one that is empty differ.
    """
    read = post.model_dump_json(include=_READ, exclude={"author": {"account_id"}})
    return hashlib.blake2b(read.encode(), digest_size=16).digest()


def content_digest(post: Post) -> bytes:
    """16 bytes that are equal where title and text are, whoever wrote them."""
    return hashlib.blake2b(content(post).encode(), digest_size=16).digest()


def text_span(post: Post, window: tuple[int, int]) -> tuple[int, int]:
    """What a span of :func:`content` holds of the post's text, as offsets into that text."""
    before = len(content(post)) - len(post.text or "")
    return max(0, window[0] - before), max(0, window[1] - before)


def readable(text: str) -> str:
    """What the transformer reads: without disguises; case, spaces and line breaks stay."""
    return reveal(text).text


def _facts(post: Post) -> Iterator[Segment]:
    author, declared = post.author, post.declared
    if author and author.verified_as is not None:
        yield f"verified_as:{author.verified_as}", ""
    if author and author.credentials == ():
        yield "credentials:none", ""
    if author and author.bio == "":
        yield "bio:none", ""
    for name in _DECLARATIONS:
        value = getattr(declared, name, None)
        if value is not None:
            yield f"{name}:{str(value).lower()}", ""
    if post.title:
        yield "title", ""


def _words(post: Post) -> Iterator[Segment]:
    if author := post.author:
        fields = {
            "name": author.display_name,
            "credentials": "、".join(author.credentials or ()),
            "field": author.field,
            "bio": author.bio,
        }
        yield from ((marker, words) for marker, words in fields.items() if words)
    if post.declared and post.declared.source:
        yield "source", post.declared.source
