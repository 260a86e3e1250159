"""The transformer is trained, resumed, exported and measured; tiny, but the whole way."""

import copy
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import yaml
from transformers import AutoConfig, AutoModel

from classifiers.bundle import read_bundle
from classifiers.rendering import MARKERS
from classifiers.scorer import load_scorer
from classifiers.session import Session
from labels.dataset import corpus_folder, load_corpus, posts
from labels.records import LabelledPost, Post
from labels.taxonomy import taxonomy
from tests.conftest import Run
from tests.training.public_sets import write_public_sets
from tests.training.test_baseline import small_corpus
from tests.training.tiny import write_tiny_encoder
from training.config import TransformerConfig
from training.finetune import fine_tune, new_model
from training.lessons import HEADS, Lessons, known_labels, learnable
from training.multitask import MultiTask, collate, masked_loss, pair_loss
from training.ngram import targets
from training.quantize import OutlierLinear, RowEmbedding, SmoothLinear, quantizable
from training.rounding import LEVELS, rounded
from training.schedule import pairs_of, row_weights, schedule
from training.transformer_export import fused, write_graph

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "training" / "transformer.yaml"


@pytest.fixture(scope="module")
def rows() -> list[LabelledPost]:
    """A slice of the corpus that holds contrast pairs."""
    return posts(load_corpus(corpus_folder()))[:96]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory, rows: list[LabelledPost]) -> Path:
    """The tiny encoder's folder."""
    texts = [post.text or "" for post in rows]
    return write_tiny_encoder(tmp_path_factory.mktemp("encoder"), [*texts, *MARKERS.values()])


def tiny_config(**changes: Any) -> TransformerConfig:
    """The shipped recipe, made small."""
    raw = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    small = {"epochs": 2, "batch_posts": 16, "checkpoints": 4, "averaged_checkpoints": 2}
    raw["compiled"] = False
    raw["encoder"] = {"name": "tiny", "layers": None}
    raw["optimizer"]["learning_rate"] = 1e-3
    return TransformerConfig.model_validate({**raw, **small, **changes}, strict=False)


def lessons(rows: list[LabelledPost]) -> Lessons:
    """Every label known."""
    labels = targets(rows).astype(np.float64)
    names = ["w"] * len(rows)
    return Lessons(rows, labels, names, names, names, np.ones(len(rows)), ())


def test_a_killed_run_ends_where_an_undisturbed_one_does(
    tmp_path: Path, rows: list[LabelledPost], encoder: Path
) -> None:
    """Killed while it wrote a checkpoint, it resumes from the one before: same to the bit."""
    config, learned = tiny_config(), lessons(rows)

    def trained(folder: Path) -> dict[str, torch.Tensor]:
        model, _ = fine_tune(learned, config, encoder_name=str(encoder), folder=folder, seed=3)
        return model.state_dict()

    whole = trained(tmp_path / "run")
    newest = max((tmp_path / "run").glob("checkpoint-*"), key=lambda c: int(c.name[11:]))
    (newest / "trainer_state.json").unlink()
    os.truncate(newest / "model.safetensors", 1000)
    resumed = trained(tmp_path / "run")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_unknown_labels_teach_nothing() -> None:
    """A NaN label gives the same loss whatever the model says of it."""
    labels = torch.tensor([[1.0, float("nan")], [0.0, 1.0]])
    weight = torch.ones(2)
    one = masked_loss(torch.tensor([[0.3, -9.0], [0.1, 0.2]]), labels, weight)
    other = masked_loss(torch.tensor([[0.3, 9.0], [0.1, 0.2]]), labels, weight)
    assert torch.equal(one, other)
    all_unknown = torch.full((2, 2), float("nan"))
    assert masked_loss(torch.ones(2, 2), all_unknown, weight) == 0


def test_a_head_that_nobody_labels_is_not_learned(rows: list[LabelledPost]) -> None:
    """The corpus does not say who wrote its rows, so a model of it has no such head."""
    labels = known_labels(rows)
    assert labels.shape == (len(rows), len(HEADS))
    assert np.isnan(labels[:, HEADS.index("machine_written")]).all()
    assert set(learnable(labels)) <= set(taxonomy().heads)


def test_a_pair_ranked_wrong_costs_more() -> None:
    """The violating side should score above the clean one."""
    pairs = torch.tensor([[0, 1, 0]])
    right, wrong = torch.tensor([[2.0], [-2.0]]), torch.tensor([[-2.0], [2.0]])
    assert pair_loss(right, pairs) < pair_loss(wrong, pairs)
    assert pair_loss(right, torch.empty(0, 3, dtype=torch.long)) == 0


def test_the_worst_window_is_the_posts(encoder: Path, rows: list[LabelledPost]) -> None:
    """Windows of a post read alone or beside other posts give one logit a head: their maximum."""
    model, posts_encoder, padding = new_model(str(encoder), np.zeros((1, 3)), tiny_config())
    model.eval()
    long = rows[0].model_copy(update={"text": "".join(post.text or "" for post in rows[:9])})
    windows = [window.ids for window in posts_encoder.encode(long)]
    assert len(windows) > 1
    with torch.no_grad():
        alone = torch.cat(
            [model(**collate([[ids]], padding, 1))["logits"] for ids in windows]
        ).amax(dim=0)
        beside = model(**collate([[windows[0]], windows], padding, 16))["logits"][1]
    torch.testing.assert_close(alone, beside, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_leaving_padding_out_changes_nothing(kind: str) -> None:
    """Neither logits nor gradients, whether or not an encoder is of a kind that can."""
    given = collate([[[5], [7, 8, 9]], [list(range(5, 45))]], 1, 16)

    def learned(*, packed: bool) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        torch.manual_seed(0)
        config = AutoConfig.for_model(
            kind, vocab_size=64, hidden_size=16, num_hidden_layers=2, num_attention_heads=2
        )
        model = MultiTask(AutoModel.from_config(config), torch.zeros(3), 0.0, 0.0)
        if packed:
            model.pack()
        logits = model.eval()(**given)["logits"]
        logits.square().sum().backward()
        return logits, [each.grad for each in model.parameters()]

    torch.testing.assert_close(learned(packed=True), learned(packed=False), atol=1e-6, rtol=1e-4)


def test_what_helps_in_8_bits_changes_no_output(encoder: Path, rows: list[LabelledPost]) -> None:
    """High channels are scaled down or multiplied apart; only embeddings are rounded."""
    model, posts_encoder, _ = new_model(str(encoder), np.zeros((1, 3)), tiny_config())
    model.eval()
    norm = model.encoder.get_submodule("encoder.layer.0.attention.output.LayerNorm")
    norm.weight.data[3] *= 40
    up = model.encoder.get_submodule("encoder.layer.0.intermediate.dense")
    up.bias.data[7] += 50
    for embedding in model.encoder.modules():
        if isinstance(embedding, torch.nn.Embedding):
            embedding.weight.data = RowEmbedding(embedding)(torch.arange(len(embedding.weight)))
    windows = [window.ids for post in rows[:8] for window in posts_encoder.encode(post)]
    helped = quantizable(model, windows)
    tokens = torch.tensor([windows[0]])
    with torch.no_grad():
        exact, same = (m.window_logits(tokens, torch.ones_like(tokens)) for m in (model, helped))
    torch.testing.assert_close(exact, same, atol=1e-4, rtol=1e-4)
    smooth = helped.encoder.get_submodule("encoder.layer.0.intermediate.dense")
    assert isinstance(smooth, SmoothLinear)
    assert smooth.shrink.argmin() == 3
    split = helped.encoder.get_submodule("encoder.layer.0.output.dense")
    assert isinstance(split, OutlierLinear)
    before = model.encoder.get_submodule("encoder.layer.0.output.dense")
    torch.testing.assert_close(split.wide_weight[:, -1], before.weight[:, 7])


def test_rounding_spares_the_outputs() -> None:
    """On inputs that go together they move less than by the nearest step, on the same grid."""
    torch.manual_seed(0)
    inputs = torch.randn(400, 8) @ torch.randn(8, 24) + 0.1 * torch.randn(400, 24)
    weight = torch.randn(6, 24)
    scale = weight.abs().amax(dim=1, keepdim=True) / LEVELS
    nearest = (weight / scale).round() * scale
    found = rounded(weight, inputs.T @ inputs)
    moved, before = (((w - weight) @ inputs.T).square().mean() for w in (found, nearest))
    assert moved < 0.5 * before
    torch.testing.assert_close(found.abs().amax(dim=1, keepdim=True), LEVELS * scale)
    torch.testing.assert_close((found / scale).round() * scale, found)


def test_inputs_that_never_speak_do_not_stop_rounding() -> None:
    """They say nothing of how to make up for anything."""
    found = rounded(torch.tensor([[1.0, 0.3, -0.4]]), torch.diag(torch.tensor([2.0, 0, 0])))
    torch.testing.assert_close(found, torch.tensor([[64.0, 19, -26]]) / 64)


def test_attention_in_one_operator_says_the_same(
    tmp_path: Path, encoder: Path, rows: list[LabelledPost]
) -> None:
    """For windows of lengths that the export did not see."""
    config = tiny_config()
    model, posts_encoder, _ = new_model(str(encoder), np.zeros((1, 3)), config)
    windows = [window.ids for post in rows[:6] for window in posts_encoder.encode(post)]
    graph = tmp_path / "fused.onnx"
    write_graph(graph, fused(copy.deepcopy(model.eval())), config.limits)
    operators = [node.op_type for node in onnx.load(graph).graph.node]
    assert operators.count("MultiHeadAttention") == model.encoder.config.num_hidden_layers
    session = Session(graph, 3)
    for ids in windows:
        tokens = torch.tensor([ids])
        with torch.no_grad():
            exact = model.window_logits(tokens, torch.ones_like(tokens))
        found = session.run({"input_ids": tokens.numpy()})
        np.testing.assert_allclose(found, exact.numpy(), atol=1e-4)


def test_embeddings_have_a_scale_a_row() -> None:
    """A wide row does not make the others coarser."""
    embedding = torch.nn.Embedding(3, 4)
    embedding.weight.data = torch.tensor([[9.0, 1, 0, -2], [0.01, 0.02, -0.03, 0], [0, 0, 0, 0]])
    rounded = RowEmbedding(embedding)(torch.arange(3))
    widest = embedding.weight.abs().amax(dim=1, keepdim=True)
    assert ((rounded - embedding.weight).abs() <= widest / 254 + 1e-6).all()


def test_the_schedule_is_settled_by_its_seed(rows: list[LabelledPost]) -> None:
    """Every row once an epoch, pairs side by side, some without author or declarations."""
    config = tiny_config(absent_share=0.5)
    lengths = [len(post.text or "") for post in rows]
    first, again = (schedule(rows, lengths, config, seed=4) for _ in range(2))
    assert first == again != schedule(rows, lengths, config, seed=5)
    assert len(first) % config.batch_posts == 0
    assert {example.row for example in first[: len(rows)]} == set(range(len(rows)))
    assert 0.3 < np.mean([not (e.author and e.declared) for e in first]) < 0.7
    mates = pairs_of(rows)
    assert mates
    where = {example.row: place for place, example in enumerate(first[: len(rows)])}
    near = [abs(where[row] - where[mate]) == 1 for row, mate in mates.items()]
    assert np.mean(near) > 0.9
    hidden = next(e for e in first if not e.author)
    assert hidden.shown(rows[hidden.row]).author is None


def test_an_epoch_reads_its_share_of_public_rows(rows: list[LabelledPost]) -> None:
    """Other ones than the epoch before, while there are others; the corpus whole in each."""
    public = [Post(data_id=f"p{number}", text="今天下雨") for number in range(24)]
    config = tiny_config(public_per_epoch=16)
    examples = schedule([*rows, *public], [10] * 120, config, seed=4)
    seen = [{e.row for e in half} for half in (examples[:112], examples[112:])]
    for epoch in seen:
        assert set(range(96)) <= epoch
        assert len(epoch - set(range(96))) == 16
    assert seen[0] | seen[1] == set(range(120))


def test_rare_sources_and_clauses_weigh_more(rows: list[LabelledPost]) -> None:
    """Balanced to the powers in the configuration; equal without them."""
    writers = ["big"] * 80 + ["small"] * 16
    learned = replace(lessons(rows), labels=known_labels(rows), writers=writers)
    off = row_weights(learned, tiny_config(source_balance=0, class_balance=0))
    on = row_weights(learned, tiny_config(source_balance=1, class_balance=0))
    doubted = replace(learned, trust=np.array([0.5] * 80 + [1.0] * 16))
    half = row_weights(doubted, tiny_config(source_balance=0, class_balance=0))
    assert np.isclose(half[-1] / half[0], 2)
    assert off == [1.0] * len(rows)
    assert np.isclose(np.mean(on), 1)
    assert np.isclose(on[-1] / on[0], 5)


@pytest.mark.first
def test_from_corpus_to_bundle_with_one_command(tmp_path: Path, call: Run) -> None:
    """Corpus and public sets: measured on held-out groups of each, exported, scoring."""
    folder = small_corpus(tmp_path / "corpus", every=20)
    some = posts(load_corpus(folder))
    texts = [post.text or "" for post in some]
    encoder = write_tiny_encoder(tmp_path / "encoder", [*texts, *MARKERS.values()])
    raw = tiny_config().model_dump(mode="json")
    raw |= {
        "epochs": 1,
        "folds": 2,
        "batch_posts": 64,
        "expert": str(CONFIG.with_name(raw["expert"])),
    }
    raw["encoder"]["name"] = str(encoder)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    data = write_public_sets(tmp_path / "data")
    arguments = ["--config", "tiny.yaml", "--corpus", str(folder), "--work", "work"]
    arguments += ["--data-dir", str(data)]
    done = call("train", "run", *arguments, "--out", "model")
    assert done.returncode == 0, done.stderr
    manifest = read_bundle(tmp_path / "model").manifest
    assert manifest.heads == (*taxonomy().heads, "machine_written")
    assert len(manifest.sources) > 20
    assert {"distortion", "machine_written"} <= set(manifest.metrics["public_groups"])
    kinds = {part.kind: part for part in manifest.parts}
    assert kinds["ngram"].weight_by_head == raw["expert_weight_by_head"]
    assert sum(part.weights(manifest.heads) for part in manifest.parts).tolist() == [1.0] * 43
    assert {"held_out_groups", "held_out_groups_ngram"} <= set(manifest.metrics)
    assert max(manifest.metrics["export_loss"].values()) < 0.05
    assert manifest.pretrained
    assert manifest.pretrained.name == str(encoder)
    scored = load_scorer(tmp_path / "model", threads=1).score(some[:20])
    assert all(result.text_coverage == 1.0 for result in scored)

    assert (tmp_path / "model" / "DATA.md").is_file()
    measured = ["evaluate", "model", "--corpus", str(folder), "--data-dir", str(data)]
    done = call(*measured, "--out", "report", "--card")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["model"]["sha256"] == read_bundle(tmp_path / "model").sha256
    assert set(report["splits"][0]["heads"]["distortion"]) >= {"auc", "ngram_auc", "positives"}
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "unseen writers: violations caught" in card
    assert "| unseen writers | distortion | 480 |" in card
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert all(words in page for words in ("受保护的表达", "没有学过的作者"))
    assert "src=" not in page
    assert "http" not in page
    (folder / "w0.jsonl").write_text("", encoding="utf-8")
    refused = call(*measured)
    assert refused.returncode == 2
    assert "what it held out cannot be told" in refused.stderr

    raw["seed"] = 1
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    refused = call("train", "run", *arguments, "--out", "other")
    assert refused.returncode == 2
    assert "checkpoints of another configuration" in refused.stderr
