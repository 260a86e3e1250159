"""One fine-tuning run of the multi-task model with the transformers Trainer, resumable."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import (
    ProgressCallback,
    Trainer,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    get_linear_schedule_with_warmup,
    set_seed,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import get_last_checkpoint

from classifiers.encoding import PostEncoder
from classifiers.transformer_model import worst
from labels.records import Post
from labels.taxonomy import Category
from training.config import TransformerConfig
from training.encoder import load_encoder
from training.lessons import Lessons
from training.multitask import (
    MultiTask,
    add_markers,
    collate,
    learning_groups,
    masked_loss,
    priors,
)
from training.narrow import trim
from training.ngram import Floats
from training.processor import fast_bf16, keep_freed_memory
from training.schedule import Example, pairs_of, row_weights, schedule

#: padded lengths are multiples of this
PAD_MULTIPLE = 16
_WEIGHTS = "model.safetensors"
#: of a batch, what a model answers from
_READ = ("input_ids", "attention_mask", "post")


@dataclass(frozen=True, slots=True)
class Beginning:
    """What training goes on from: weights, by name, for the shapes of a model's parameters.

    A teacher is a model of the same heads, and ``teacher_share`` of the loss asks to agree with it.
    """

    weights: Callable[[Mapping[str, torch.Size]], Mapping[str, Tensor]]
    teacher: MultiTask | None = None


class TrainingRows(Dataset[dict[str, Any]]):
    """The examples of a schedule, encoded when they are asked for."""

    def __init__(
        self,
        lessons: Lessons,
        weights: Sequence[float],
        examples: Sequence[Example],
        encoder: PostEncoder,
    ) -> None:
        self._lessons, self._weights = lessons, weights
        self._examples, self._encoder = examples, encoder

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, place: int) -> dict[str, Any]:
        example = self._examples[place]
        return {
            "row": example.row,
            "windows": token_windows(
                self._encoder, example.shown(self._lessons.posts[example.row])
            ),
            "labels": self._lessons.labels[example.row],
            "weight": self._weights[example.row],
        }


class BatchMaker:
    """Collates training rows; names the contrast pairs that a batch holds whole."""

    def __init__(self, mates: dict[int, int], padding: int) -> None:
        self._mates, self._padding = mates, padding

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """The arguments of :meth:`MultiTask.forward`."""
        labels = torch.tensor(np.stack([row["labels"] for row in rows]), dtype=torch.float32)
        return {
            **collate([row["windows"] for row in rows], self._padding, PAD_MULTIPLE),
            "labels": labels,
            "weight": torch.tensor([row["weight"] for row in rows], dtype=torch.float32),
            "pairs": self._pairs([row["row"] for row in rows], labels),
        }

    def _pairs(self, rows: Sequence[int], labels: Tensor) -> Tensor:
        places = {row: place for place, row in enumerate(rows)}
        found = [
            (places[row], places[mate], head)
            for row in places
            if (mate := self._mates.get(row)) in places
            for head in range(len(Category))
            if labels[places[row], head] > labels[places[mate], head]
        ]
        return torch.tensor(found, dtype=torch.long).reshape(-1, 3)


def token_windows(encoder: PostEncoder, post: Post) -> list[list[int]]:
    """Ids of each window of a post."""
    return [window.ids for window in encoder.encode(post)]


def fine_tune(
    lessons: Lessons,
    config: TransformerConfig,
    *,
    encoder_name: str,
    folder: Path,
    seed: int,
    beginning: Beginning | None = None,
) -> tuple[MultiTask, PostEncoder]:
    """Train, or go on from the last checkpoint in the folder; average the last checkpoints.

    Without epochs the model stays as it began.

    Args:
        lessons: at least one post.
        config: recipe.
        encoder_name: folder or hub name of the pretrained encoder.
        folder: checkpoints; those of another recipe or other data must not lie there.
        seed: of every draw. The same seed, threads and processor give the same weights.
        beginning: None begins from the pretrained encoder and untrained heads.

    Raises:
        ModelError: the beginning does not fit the encoder.
    """
    set_seed(seed)
    keep_freed_memory()
    posts = lessons.posts
    model, post_encoder, padding = new_model(encoder_name, lessons.labels, config)
    checkpoint = _last_checkpoint(folder)
    if beginning is not None and checkpoint is None:
        shapes = {name: value.shape for name, value in model.state_dict().items()}
        model.load_state_dict(beginning.weights(shapes))
    if not config.epochs:
        return model.eval(), post_encoder
    lengths = [sum(map(len, token_windows(post_encoder, post))) for post in posts]
    examples = schedule(posts, lengths, config, seed)
    weights = row_weights(lessons, config)
    steps = len(examples) // config.batch_posts
    optimizer = torch.optim.AdamW(learning_groups(model, config.optimizer), fused=True)
    warmup = int(steps * config.optimizer.warmup_share)
    trainer = _Taught(
        beginning.teacher if beginning else None,
        config.teacher_share,
        model=model,
        args=_arguments(folder, config, steps, seed),
        train_dataset=TrainingRows(lessons, weights, examples, post_encoder),
        data_collator=BatchMaker(pairs_of(posts), padding),
        optimizers=(optimizer, get_linear_schedule_with_warmup(optimizer, warmup, steps)),
    )
    trainer.pop_callback(ProgressCallback)
    trainer.add_callback(_Progress)
    model.pack()
    if config.compiled:
        model.encoder.compile(dynamic=True)
    trainer.train(resume_from_checkpoint=checkpoint)
    result, post_encoder, _ = new_model(encoder_name, lessons.labels, config)
    result.load_state_dict(_averaged(folder))
    return result.eval(), post_encoder


def new_model(
    encoder_name: str, labels: Floats, config: TransformerConfig
) -> tuple[MultiTask, PostEncoder, int]:
    """An untrained model, the encoder of its input, and the id that pads it."""
    pretrained, tokenizer = load_encoder(encoder_name, config.encoder.layers)
    if config.encoder.narrower:
        trim(pretrained, config.encoder)
    for module in pretrained.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = config.encoder_dropout
    post_encoder = PostEncoder(tokenizer, config.windows, config.limits)
    add_markers(pretrained, post_encoder)
    padding = pretrained.config.pad_token_id or 0
    start = priors(torch.tensor(labels, dtype=torch.float32))
    model = MultiTask(pretrained, start, config.head_dropout, config.pair_weight)
    return model, post_encoder, padding


class ExactReader:
    """A :class:`classifiers.scorer.Reader` of the model before its export, in 32 bits.

    It remembers what it read, since every held-out row is read alone and within a blend.
    """

    def __init__(self, model: MultiTask, encoder: PostEncoder) -> None:
        self._model, self._encoder = model, encoder
        self._known: dict[str, npt.NDArray[np.float32]] = {}

    def read(self, post: Post) -> npt.NDArray[np.float32]:
        """Log-odds of shape (windows, heads); a pass holds one window, without padding."""
        if post.data_id not in self._known:
            self._known[post.data_id] = self._read(post)
        return self._known[post.data_id]

    def _read(self, post: Post) -> npt.NDArray[np.float32]:
        found = self._encoder.encode(post)
        with torch.no_grad():
            passes = [torch.tensor([window.ids]) for window in found]
            rows = [self._model.window_logits(ids, torch.ones_like(ids))[0] for ids in passes]
        return worst([row.numpy() for row in rows], [window.place for window in found])


class _Taught(Trainer):
    """Asks for a teacher's answers beside the labels (Hinton et al. 2015), at unlabelled heads too.

    Without a teacher it is the trainer that it is made of.
    """

    def __init__(self, teacher: MultiTask | None, share: float, **given: Any) -> None:
        super().__init__(**given)
        self._teacher, self._share = teacher, share
        if teacher is not None:
            teacher.eval().pack()

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Tensor], *given: Any, **named: Any
    ) -> Any:
        """That of the labels and that of the teacher's answers, by their shares."""
        if self._teacher is None:
            return super().compute_loss(model, inputs, *given, **named)
        found = model(**inputs)
        with torch.no_grad():
            said = self._teacher(**{name: inputs[name] for name in _READ})["logits"].sigmoid()
        agreement = masked_loss(found["logits"], said, inputs["weight"])
        return (1 - self._share) * found["loss"] + self._share * agreement


class _Progress(ProgressCallback):
    """The bar with steps and estimated end, and the loss beside it rather than on a line."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        if self.training_bar is not None and logs and "loss" in logs:
            self.training_bar.set_postfix(loss=logs["loss"])


def _arguments(folder: Path, config: TransformerConfig, steps: int, seed: int) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,  # the schedule holds all epochs
        per_device_train_batch_size=config.batch_posts,
        train_sampling_strategy="sequential",
        max_grad_norm=1.0,
        use_cpu=not torch.cuda.is_available(),
        bf16=fast_bf16(),
        seed=seed,
        save_strategy="steps",
        save_steps=-(-steps // config.checkpoints),
        save_total_limit=config.averaged_checkpoints,
        logging_steps=max(1, steps // 50),
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        disable_tqdm=False,
        report_to="none",
    )


def _last_checkpoint(folder: Path) -> str | None:
    """The newest that is whole; one that was cut short while it was written is removed."""
    for checkpoint in folder.glob("checkpoint-*"):
        if not (checkpoint / TRAINER_STATE_NAME).exists():  # the trainer writes it last
            shutil.rmtree(checkpoint)
    return get_last_checkpoint(str(folder)) if folder.exists() else None


def _averaged(folder: Path) -> dict[str, Tensor]:
    """Mean of the kept checkpoints' weights (Izmailov et al. 2018)."""
    files = sorted(folder.glob(f"checkpoint-*/{_WEIGHTS}"))
    states = [load_file(file) for file in files]
    return {name: torch.stack([s[name] for s in states]).mean(dim=0) for name in states[0]}
