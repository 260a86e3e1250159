"""A trained model made smaller: which neurons go, what makes up for them, who teaches the rest."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from classifiers.rendering import MARKERS
from labels.dataset import corpus_folder, load_corpus, posts
from labels.errors import ModelError
from labels.records import LabelledPost
from tests.conftest import Run
from tests.training.test_transformer import CONFIG, lessons, tiny_config
from tests.training.tiny import write_tiny_encoder
from training.config import PretrainedEncoder
from training.finetune import Beginning, fine_tune, new_model, token_windows
from training.multitask import MultiTask
from training.narrow import least_missed, narrow

WIDTH = 64


@pytest.fixture(scope="module")
def rows() -> list[LabelledPost]:
    """A slice of the corpus."""
    return posts(load_corpus(corpus_folder()))[:48]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory, rows: list[LabelledPost]) -> Path:
    """The tiny encoder's folder."""
    texts = [post.text or "" for post in rows]
    return write_tiny_encoder(tmp_path_factory.mktemp("encoder"), [*texts, *MARKERS.values()])


def test_an_input_that_others_tell_is_not_missed() -> None:
    """It goes first, however large its weights, and the others' weights make up for it."""
    torch.manual_seed(3)
    inputs = torch.randn(400, 6)
    inputs[:, 4] = inputs[:, 0] + 2 * inputs[:, 1]
    weight = torch.randn(3, 6)
    weight[:, 4] *= 9
    left, fewer = least_missed(inputs.T @ inputs, weight, 5)
    assert len(left) == 5
    assert {0, 1, 4} - set(left.tolist())
    torch.testing.assert_close(inputs[:, left] @ fewer.T, inputs @ weight.T, atol=0.05, rtol=0.01)


def test_making_up_for_neurons_beats_leaving_them_out() -> None:
    """Half the inputs, correlated as neurons are: less is lost than by their weights alone."""
    torch.manual_seed(4)
    inputs = (torch.randn(500, 10) @ torch.randn(10, 24) + 0.3 * torch.randn(500, 24)).relu()
    weight = torch.randn(8, 24)
    left, fewer = least_missed(inputs.T @ inputs, weight, 12)
    largest = weight.norm(dim=0).topk(12).indices
    whole = inputs @ weight.T
    lost = (inputs[:, left] @ fewer.T - whole).square().mean()
    cut = (inputs[:, largest] @ weight[:, largest].T - whole).square().mean()
    assert lost < cut / 4


def test_neighbours_leave_together() -> None:
    """Of three pairs of inputs the one that the others tell leaves whole."""
    torch.manual_seed(5)
    inputs = torch.randn(400, 6)
    inputs[:, 2:4] = inputs[:, :2] @ torch.randn(2, 2)
    weight = torch.randn(3, 6)
    weight[:, 4:] *= 0.5
    left, fewer = least_missed(inputs.T @ inputs, weight, 4, size=2)
    assert left.tolist() in ([0, 1, 4, 5], [2, 3, 4, 5])
    torch.testing.assert_close(inputs[:, left] @ fewer.T, inputs @ weight.T, atol=0.05, rtol=0.01)


def test_neurons_that_are_there_twice_can_leave(encoder: Path, rows: list[LabelledPost]) -> None:
    """A model whose every neuron has a double says the same with half of them, which shows."""
    model, posts_encoder, _ = new_model(str(encoder), np.zeros((1, 3)), tiny_config())
    for layer in range(2):
        stem = f"encoder.layer.{layer}"
        widening = model.encoder.get_submodule(f"{stem}.intermediate.dense")
        for values in (widening.weight.data, widening.bias.data):
            values[WIDTH // 2 :] = values[: WIDTH // 2]
    windows = [ids for post in rows for ids in token_windows(posts_encoder, post)]
    fewer = copy.deepcopy(model.eval())
    narrow(fewer, windows, PretrainedEncoder(name="tiny", feed_forward=WIDTH // 2))
    assert fewer.encoder.get_submodule("encoder.layer.0.output.dense").in_features == WIDTH // 2
    assert sum(p.numel() for p in fewer.parameters()) < sum(p.numel() for p in model.parameters())
    torch.testing.assert_close(said(fewer, windows), said(model, windows), atol=2e-3, rtol=2e-3)


def test_a_head_that_is_there_twice_can_leave(encoder: Path, rows: list[LabelledPost]) -> None:
    """As with neurons: two heads that do the same are one."""
    model, posts_encoder, _ = new_model(str(encoder), np.zeros((1, 3)), tiny_config())
    for layer in range(2):
        for part in ("query", "key", "value"):
            maker = model.encoder.get_submodule(f"encoder.layer.{layer}.attention.self.{part}")
            for values in (maker.weight.data, maker.bias.data):
                values[len(values) // 2 :] = values[: len(values) // 2]
    windows = [ids for post in rows for ids in token_windows(posts_encoder, post)]
    fewer = copy.deepcopy(model.eval())
    narrow(fewer, windows, PretrainedEncoder(name="tiny", attention_heads=1))
    assert sum(p.numel() for p in fewer.parameters()) < sum(p.numel() for p in model.parameters())
    torch.testing.assert_close(said(fewer, windows), said(model, windows), atol=2e-3, rtol=2e-3)


def said(model: MultiTask, windows: list[list[int]]) -> torch.Tensor:
    """Logits of each window."""
    with torch.no_grad():
        given = [torch.tensor([ids]) for ids in windows]
        return torch.cat([model.window_logits(ids, torch.ones_like(ids)) for ids in given])


def test_a_teacher_is_agreed_with(tmp_path: Path, encoder: Path, rows: list[LabelledPost]) -> None:
    """The more of the loss asks for it, the nearer to the teacher's answers training ends."""
    torch.manual_seed(11)
    teacher, posts_encoder, _ = new_model(str(encoder), lessons(rows).labels, tiny_config())
    torch.nn.init.normal_(teacher.weights, std=1.0)
    windows = [ids for post in rows for ids in token_windows(posts_encoder, post)]
    wanted = said(teacher.eval(), windows).sigmoid()

    def distance(share: float) -> float:
        config = tiny_config(epochs=24, teacher_share=share, absent_share=0.0)
        student, _ = fine_tune(
            lessons(rows),
            config,
            encoder_name=str(encoder),
            folder=tmp_path / str(share),
            seed=3,
            beginning=Beginning(lambda _: student_start, teacher),
        )
        return float((said(student, windows).sigmoid() - wanted).abs().mean())

    start, _, _ = new_model(str(encoder), lessons(rows).labels, tiny_config())
    student_start = start.state_dict()
    assert distance(1.0) < 0.7 * distance(0.0)


def test_without_epochs_a_model_stays_as_it_began(
    tmp_path: Path, encoder: Path, rows: list[LabelledPost]
) -> None:
    """What only takes neurons or heads out is not trained."""
    begun, _, _ = new_model(str(encoder), lessons(rows).labels, tiny_config())
    torch.nn.init.normal_(begun.weights, std=1.0)
    kept, _ = fine_tune(
        lessons(rows),
        tiny_config(epochs=0),
        encoder_name=str(encoder),
        folder=tmp_path,
        seed=3,
        beginning=Beginning(lambda _: begun.state_dict()),
    )
    torch.testing.assert_close(kept.state_dict(), begun.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize(
    "given", [{"teacher_share": 0.5}, {"encoder": {"feed_forward": 32}}, {"epochs": 0}]
)
def test_a_first_training_is_no_compression(
    tmp_path: Path, call: Run, encoder: Path, given: dict[str, Any]
) -> None:
    """A recipe for compression is refused with what to do."""
    asked = {**given, "encoder": {"name": str(encoder), **given.get("encoder", {})}}
    raw = tiny_config(**asked).model_dump(mode="json")
    raw |= {"expert": str(CONFIG.with_name(raw["expert"]))}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    done = call("train", "run", "--config", "tiny.yaml", "--out", "model")
    assert done.returncode != 0
    assert "mingbian train compress" in done.stderr


@pytest.mark.parametrize(
    ("wide", "told"),
    [
        ({"feed_forward": WIDTH + 1}, "65, but the encoder has 64 neurons"),
        ({"attention_heads": 3}, "3, but the encoder has 2 heads"),
    ],
)
def test_more_than_there_is_cannot_be_left(encoder: Path, wide: dict[str, int], told: str) -> None:
    """The error names both numbers."""
    with pytest.raises(ModelError, match=told):
        new_model(
            str(encoder), np.zeros((1, 3)), tiny_config(encoder={"name": str(encoder), **wide})
        )
