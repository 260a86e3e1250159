"""What the transformer reads of a post: the face, the declarations, the whole content."""

import pytest
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from tokenizers.processors import TemplateProcessing

from classifiers.encoding import Limits, PostEncoder
from classifiers.rendering import MARKERS, content, face
from classifiers.windows import Windows
from tests.conftest import make_post

WINDOWS = Windows(chars=40, overlap=10)
LIMITS = Limits(face_tokens=32, max_tokens=96)
LETTERS = "abcdefghijklmnopqrstuvwxyz:_"


@pytest.fixture(scope="module")
def encoder() -> PostEncoder:
    """A token a letter; specials are 0 and 1."""
    letters = {token: place for place, token in enumerate(["<s>", "</s>", "<unk>", *LETTERS])}
    tokenizer = Tokenizer(WordLevel(letters, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 1)],
    )
    return PostEncoder(tokenizer, WINDOWS, LIMITS)


def marker(encoder: PostEncoder, name: str) -> int:
    """The id of a marker."""
    return encoder.vocabulary_size - len(MARKERS) + list(MARKERS).index(name)


def test_an_absent_field_leaves_nothing_behind(encoder: PostEncoder) -> None:
    """Not asked, asked and none, and given read as three different things."""
    (bare,) = encoder.encode(make_post(text="abc"))
    assert bare.ids == [0, 1, 1, *encoder.tokens("abc"), 1]
    (none,) = encoder.encode(make_post(text="abc", author={"credentials": [], "bio": ""}))
    assert none.ids[1:3] == [marker(encoder, "credentials:none"), marker(encoder, "bio:none")]
    (given,) = encoder.encode(make_post(text="abc", author={"credentials": ["x"]}))
    assert given.ids[1:3] == [marker(encoder, "credentials"), *encoder.tokens("x")]


def test_the_same_words_from_another_account_read_differently(encoder: PostEncoder) -> None:
    """Verification and declarations are part of the input."""
    doctor = encoder.encode(make_post(text="abc", author={"verified_as": "professional"}))
    seller = encoder.encode(make_post(text="abc", author={"verified_as": "none"}))
    labelled = encoder.encode(make_post(text="abc", declared={"ai_generated": True}))
    denied = encoder.encode(make_post(text="abc", declared={"ai_generated": False}))
    assert len({tuple(w[0].ids) for w in (doctor, seller, labelled, denied)}) == 4


def test_every_declaration_and_verification_has_a_marker(encoder: PostEncoder) -> None:
    """A field added to the records must be given one, or training would not see it."""
    kinds = ("none", "person", "professional", "organization", "media", "government")
    for kind in kinds:
        assert face(make_post(author={"verified_as": kind}))[0][0] in MARKERS
    names = ("ai_generated", "fiction", "repost", "marketing", "opinion", "no_label_needed")
    for value in (True, False):
        declared = face(make_post(declared=dict.fromkeys(names, value)))
        assert len(declared) == len(names)
        assert all(name in MARKERS for name, _ in declared)


def test_no_author_can_write_a_marker(encoder: PostEncoder) -> None:
    """Their ids lie past the vocabulary, so text that spells one out stays text."""
    for name in MARKERS:
        post = make_post(text=name, author={"display_name": name})
        first = encoder.vocabulary_size - len(MARKERS)
        found = [i for i in encoder.encode(post)[0].ids if i >= first]
        assert found == [marker(encoder, "name")]


def test_platform_ids_and_dates_are_not_read(encoder: PostEncoder) -> None:
    """They must not become evidence."""
    plain = encoder.encode(make_post(text="abc"))
    dressed = encoder.encode(
        make_post(
            text="abc",
            data_id="other",
            platform="weibo",
            published_at="2026-01-01T00:00:00Z",
            author={"account_id": "7"},
            declared={"event_date": "2026-01-01"},
        )
    )
    assert plain == dressed


@pytest.mark.parametrize("length", [1, 40, 41, 500, 20_000])
def test_long_text_is_read_whole(encoder: PostEncoder, length: int) -> None:
    """Each window of title and text is read, all of it, and no pass is too long."""
    post = make_post(title="abc", text="x" * length, author={"display_name": "n" * 20})
    found = encoder.encode(post)
    spans = WINDOWS.over(content(post))
    assert [window.place for window in found] == list(range(len(spans)))
    letter = encoder.tokens("x")[0]
    for window, (start, end) in zip(found, spans, strict=True):
        assert window.ids.count(letter) == content(post)[start:end].count("x")
    assert all(len(window.ids) <= LIMITS.max_tokens for window in found)


def test_a_sign_that_becomes_many_tokens_is_still_read(encoder: PostEncoder) -> None:
    """NFKC makes eighteen letters of one sign; windows are halved until they fit."""
    post = make_post(text="\ufdfa" * 40)
    windows = encoder.encode(post)
    assert len(windows) > 1
    assert {window.place for window in windows} == {0}
    framed = len(encoder.encode(make_post(text="a"))[0].ids) - 1
    assert sum(len(w.ids) - framed for w in windows) == len(encoder.tokens("\ufdfa" * 40))
    assert all(len(window.ids) <= LIMITS.max_tokens for window in windows)


def test_a_long_bio_is_read_whole(encoder: PostEncoder) -> None:
    """What does not fit beside the first window is read beside it again, part by part."""
    bio = "b" * 100
    windows = encoder.encode(make_post(text="abc", author={"bio": bio}))
    letter = encoder.tokens("b")[0]
    assert sum(window.ids.count(letter) for window in windows) == len(bio) + len(windows)
    assert len(windows) > 1


@pytest.mark.parametrize("change", [{"max_tokens": 95}, {"max_tokens": 513}, {"face_tokens": 1}])
def test_limits_that_leave_no_room_are_refused(change: dict[str, int]) -> None:
    """Rather than dropping what does not fit."""
    with pytest.raises(ValueError, match=r"must|should"):
        Limits.model_validate({**LIMITS.model_dump(), **change})
