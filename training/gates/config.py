"""What a release is held against: ``configs/release.yaml``."""

from typing import Annotated

from pydantic import Field

from labels.yamlfile import Strict
from training.config import Count, Positive, Share


class SuiteLimits(Strict):
    """How many cases of MisinfoCheck-zh may be lost, in all and in one functionality."""

    lost: Annotated[int, Field(ge=0)]
    lost_in_one: Annotated[int, Field(ge=0)]


class Ceiling(Strict):
    """The largest share, and larger ones where a name is excepted."""

    default: Share
    but: dict[str, Share] = Field(default_factory=dict)

    def of(self, name: str) -> float:
        """The share that a name may reach."""
        return self.but.get(name, self.default)


class GatesConfig(Strict):
    """Every limit; shares are between 0 and 1.

    ``significance`` is Holm's over every head and split with ``min_positives`` or more.
    ``export_loss``: average precision of such a head that rounding to 8 bits costs.
    ``protected`` and ``genre``: clean posts sent to review or act. ``attacks_kept``: flags that a
    disguise leaves. ``slowdown``: a post's time over the champion's in the same run.
    ``changed_decisions``: past decisions that would be another suggestion.
    """

    significance: Share
    min_positives: Count
    export_loss: Share
    suite: SuiteLimits
    protected: Ceiling
    genre: Ceiling
    calibration_error: Share
    attacks_kept: Share
    size_mb: Positive
    slowdown: Positive
    changed_decisions: Share
