"""How much each event may count, so that no one source decides what a model learns."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from labels.label_events import LabelEvent
from labels.yamlfile import Strict
from training.ngram import Floats

Weight = Annotated[float, Field(gt=0)]


class Caps(Strict):
    """What the labels that rest on one source may weigh together.

    ``reporter``: whose complaints brought the posts before people. ``story``: copies of one text.
    """

    reporter: Weight
    story: Weight


@dataclass(frozen=True, slots=True)
class Flood:
    """A source whose labels weighed more than they may, and to what share they were cut."""

    kind: str
    source: str
    events: int
    share: float


def capped(
    events: Sequence[LabelEvent], stories: Sequence[int], caps: Caps
) -> tuple[Floats, list[Flood]]:
    """The weight of each event, shape (events,), and the floods that were cut.

    All labels of a source are cut alike. What several people complained of counts as the least
    cut of them allows, or one flooder could silence the others.
    """
    weights = np.array([event.weight for event in events])
    by_reporter: Mapping[str, list[int]] = defaultdict(list)
    by_story: Mapping[str, list[int]] = defaultdict(list)
    for place, (event, story) in enumerate(zip(events, stories, strict=True)):
        by_story[str(story)].append(place)
        for reporter in event.reporters:
            by_reporter[reporter].append(place)
    of_reporter = _shares(by_reporter, weights, caps.reporter)
    of_story = _shares(by_story, weights, caps.story)
    allowed = [
        min(
            max((of_reporter[reporter] for reporter in event.reporters), default=1.0),
            of_story[str(story)],
        )
        for event, story in zip(events, stories, strict=True)
    ]
    floods = [
        Flood(kind, source, len(members[source]), round(share, 4))
        for kind, members, shares in (
            ("reporter", by_reporter, of_reporter),
            ("story", by_story, of_story),
        )
        for source, share in shares.items()
        if share < 1
    ]
    return weights * allowed, floods


def _shares(members: Mapping[str, Sequence[int]], weights: Floats, cap: float) -> dict[str, float]:
    return {
        source: min(1.0, cap / float(weights[list(mine)].sum())) for source, mine in members.items()
    }
