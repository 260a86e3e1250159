"""The newest report of ``mingbian watch``, as far as a page tells it."""

from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from labels.errors import InputError


class Days(BaseModel):
    """Days of a report, both included."""

    first: date
    last: date


class Alarm(BaseModel):
    """What the report raises an alarm about; ``kind`` is drift, surge or copies."""

    kind: str
    zh: str
    en: str


class Watched(BaseModel):
    """A period held against another; ``drift`` has an entry a test."""

    model_config = ConfigDict(extra="ignore")

    now: Days
    before: Days
    alarms: list[Alarm]
    drift: list[dict[str, Any]]

    @property
    def tested(self) -> int:
        """How many properties there was enough of to test."""
        return sum(each.get("corrected") is not None for each in self.drift)


def newest_report(folder: Path) -> Watched | None:
    """The report in a folder, or the newest of those in its folders; None where there is none.

    Raises:
        InputError: its ``summary.json`` is none.
    """
    found = [*folder.glob("summary.json"), *folder.glob("*/summary.json")]
    if not found:
        return None
    path = max(found, key=lambda each: each.stat().st_mtime)
    try:
        return Watched.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path}: no summary of mingbian watch: {error}") from None
