"""The taxonomy is complete and consistent."""

from labels.taxonomy import Category, taxonomy


def test_it_has_the_four_categories_24_clauses_and_14_protected_classes() -> None:
    """The counts that the notice and the rules name."""
    known = taxonomy()
    assert [entry.code for entry in known.categories] == list(Category)
    assert len(known.clauses) == 24
    assert len(known.protected) == 14


def test_a_clause_number_begins_with_its_categorys_place() -> None:
    """1.x to 4.x follow the order of the categories."""
    for clause, category in taxonomy().category_of.items():
        assert list(Category)[int(clause[0]) - 1] is category


def test_every_name_is_chinese_and_english() -> None:
    """Users read Chinese first, English second."""
    known = taxonomy()
    named = [*known.categories, *known.clauses.values(), *known.protected_classes]
    assert all(any("\u4e00" <= c <= "\u9fff" for c in entry.zh) for entry in named)
    assert all(entry.en.isascii() or "é" in entry.en for entry in named)


def test_heads_are_distinct() -> None:
    """One namespace serves categories, clauses and protected classes."""
    heads = taxonomy().heads
    assert len(set(heads)) == len(heads) == 4 + 24 + 14
