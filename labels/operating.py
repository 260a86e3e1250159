"""How a head's scores behave on rows its model did not learn from: what thresholds rest on."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from labels.errors import ModelError
from labels.results import Probability
from labels.yamlfile import Strict


class OperatingPoint(Strict):
    """What flagging from a threshold on, inclusive, does to held-out rows.

    ``recall`` is the share of positives that are flagged, ``fpr`` that of negatives, one flag
    more than was seen, so that few rows never look perfect. ``worst_genre_fpr`` is the share of
    negatives in the genre of text that is flagged most.
    """

    threshold: Probability
    recall: Probability
    fpr: Probability
    worst_genre_fpr: Probability


class Operating(Strict):
    """The points of one head, thresholds rising.

    ``rate`` is the share of positives, between 0 and 1, at which its probabilities hold.
    """

    rate: Annotated[float, Field(gt=0, lt=1)]
    points: Annotated[tuple[OperatingPoint, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(low.threshold >= high.threshold for low, high in pairwise(self.points)):
            raise ValueError("the points' thresholds do not rise")
        return self


_TABLE: TypeAdapter[dict[str, Operating]] = TypeAdapter(dict[str, Operating])


def read_operating(bundle: Path) -> dict[str, Operating]:
    """The tables of a model bundle, by head, from its manifest alone.

    Raises:
        ModelError: there is no manifest, or none of this shape.
    """
    path = bundle / "manifest.json"
    try:
        table = json.loads(path.read_text(encoding="utf-8"))["operating"]
        return _TABLE.validate_python(table, strict=False)
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise ModelError(f"{path}: no operating tables: {error!r}") from None
