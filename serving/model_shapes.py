"""What requests and answers of the API about models look like."""

from typing import Annotated, Literal

from pydantic import Field

from labels.release import GateReport
from labels.results import Version
from labels.yamlfile import Strict
from serving.lineage import Ancestor
from serving.releases import Stage
from serving.shapes import At, Words

Share = Annotated[float, Field(gt=0, le=1)]


class ReleaseRequest(Strict):
    """What a version is to be. ``share`` of the accounts, of a canary alone."""

    stage: Literal["shadow", "canary", "champion", "archived"]
    share: Share | None = None
    reason: Words


class RollbackRequest(Strict):
    """Why the champion before comes back."""

    reason: Words


class ModelView(Strict):
    """A version; ``stage`` is None where it takes no part.

    ``may_release`` is None where it has no gate report, ``parent`` where training began from a
    published encoder.
    """

    sha256: str
    id: str
    version: str
    parent: str | None
    added_by: str | None
    added_at: At
    may_release: bool | None
    stage: Annotated[Stage, Field(strict=False)] | None
    share: float | None


class ModelList(Strict):
    """Every version of the store, oldest first."""

    models: list[ModelView]


class ReleaseView(Strict):
    """A release."""

    release_id: str
    at: At
    stage: Annotated[Stage, Field(strict=False)]
    sha256: str
    share: float | None
    by: str
    reason: str


class ModelDetail(Strict):
    """A version with its gates, what it came from (itself first), and its releases."""

    model: ModelView
    gates: GateReport | None
    lineage: list[Ancestor]
    releases: list[ReleaseView]


class MoveView(Strict):
    """Posts that were suggested one thing, and would have been another."""

    suggested: str
    candidate: str
    posts: int


class _Compared(Strict):
    posts: int
    agreement: float | None
    moves: list[MoveView]


class PackShadowView(_Compared):
    """A candidate pack beside the one in force."""

    policy: Version


class ModelShadowView(_Compared):
    """A candidate model beside the champion; for ``dropped`` posts there was no time."""

    model: Version
    champion: Version
    dropped: int
    failed: int


class ShadowView(Strict):
    """Since this server, or the candidate, started."""

    pack: PackShadowView | None
    model: ModelShadowView | None
