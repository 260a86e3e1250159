"""Training configurations."""

from typing import Annotated

from pydantic import Field

from labels.yamlfile import Strict

Positive = Annotated[float, Field(gt=0)]


class Scale(Strict):
    """The length to which each group of features is scaled."""

    text: Positive
    face: Positive
    facts: Positive


class NgramConfig(Strict):
    """How the linear baseline is trained; see ``configs/training/ngram.yaml``."""

    id: str
    version: str
    min_posts: Annotated[int, Field(ge=1)]
    inverse_regularisation: Positive
    scale: Scale
    stripped_weight: Annotated[float, Field(ge=0, le=1)]
    window_chars: Annotated[int, Field(gt=0)]
    overlap_chars: Annotated[int, Field(ge=0)]
    folds: Annotated[int, Field(ge=2)]
    seed: int
