"""The taxonomy as data: four categories, 24 clauses, 14 protected classes.

Source: the campaign notice of 2025-07-29 and the rules around it; each clause names its basis.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import cache, cached_property
from importlib import resources
from typing import Literal

from labels.yamlfile import Strict

#: the head that says whether a machine wrote the text; no part of the taxonomy
MACHINE_WRITTEN = "machine_written"


class Category(StrEnum):
    """The four kinds of misinformation named by the notice of 2025-07-29."""

    IMPERSONATION = "impersonation"
    DISTORTION = "distortion"
    UNLABELED_AI = "unlabeled_ai"
    FALSE_SPECIALIST = "false_specialist"


class Clause(Strict):
    """One clause of a category; ``default_severity`` is the step before modifiers.

    ``basis`` is where the clause was taken from, with how sure that is, for who works on it;
    ``ground`` and ``ground_zh`` are what an account's owner is told.
    """

    clause: str
    code: str
    zh: str
    en: str
    definition: str
    definition_zh: str
    positive_example: str
    hard_negative_example: str
    evidence_needed: str
    evidence_needed_zh: str
    default_severity: Literal["S1", "S2", "S3", "S4"]
    text_only_decidable: Literal["no", "partial", "yes"]
    basis: str
    ground_zh: str
    ground: str


class CategoryEntry(Strict):
    """A category with its clauses in the order of the notice."""

    code: Category
    zh: str
    en: str
    description: str
    clauses: tuple[Clause, ...]


class ProtectedClass(Strict):
    """Speech that must not be flagged, with the test that tells it."""

    code: str
    zh: str
    en: str
    example: str
    test: str


class Taxonomy(Strict):
    """Everything a score, a policy or a label may name."""

    version: str
    note: str
    categories: tuple[CategoryEntry, ...]
    protected_classes: tuple[ProtectedClass, ...]

    @cached_property
    def clauses(self) -> dict[str, Clause]:
        """Clauses by number, ``"1.1"`` to ``"4.6"``, in order."""
        return {clause.clause: clause for entry in self.categories for clause in entry.clauses}

    @cached_property
    def category_of(self) -> dict[str, Category]:
        """The category of each clause number."""
        return {c.clause: entry.code for entry in self.categories for c in entry.clauses}

    @cached_property
    def protected(self) -> dict[str, ProtectedClass]:
        """Protected classes by code, in order."""
        return {entry.code: entry for entry in self.protected_classes}

    def unknown(self, clauses: Iterable[str], protected: Iterable[str] = ()) -> list[str]:
        """Those clause numbers and codes of protected classes that are not in it."""
        return [
            *(clause for clause in clauses if clause not in self.clauses),
            *(code for code in protected if code not in self.protected),
        ]

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """What a model may score: categories, clauses, protected classes, in that order."""
        return (*Category, *self.clauses, *self.protected)

    @cached_property
    def model_heads(self) -> tuple[str, ...]:
        """All that a model may have: :attr:`heads`, and who wrote the text."""
        return (*self.heads, MACHINE_WRITTEN)


@cache
def taxonomy() -> Taxonomy:
    """The taxonomy that rides in the package."""
    text = resources.files("labels").joinpath("taxonomy.json").read_text(encoding="utf-8")
    return Taxonomy.model_validate_json(text)
