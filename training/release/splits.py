"""How well a model ranks, split by split, and whether it reads style or content."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from labels.taxonomy import MACHINE_WRITTEN, Category
from training.lessons import HEADS
from training.ngram import Floats
from training.public.sources import UNSEEN_GENERATOR
from training.release.scored import CATEGORIES, MIN_KNOWN, Scored, head_figures

#: a rumour may break any of these; the sources do not say which
_RUMOUR_HEADS = (Category.IMPERSONATION, Category.DISTORTION, Category.FALSE_SPECIALIST)


def splits(
    corpus: Scored,
    bare: Scored,
    strangers: Scored,
    public: Scored | None,
    unseen: Scored | None,
) -> Iterable[dict[str, Any]]:
    """Figures on each split, with its name in both languages.

    Args:
        corpus: held-out groups of the corpus.
        bare: the same without author and declarations.
        strangers: writers who have no part in the corpus.
        public: held-out groups of the public sets.
        unseen: sets of which nothing was learned.
    """
    yield _split("random groups, corpus", "语料库留出组", corpus)
    yield _split("the same without author and declarations", "同上，去掉账号与声明", bare)
    yield _split("unseen writers", "没有学过的作者", strangers)
    if unseen is None:
        return
    if public is not None:
        yield _split("random groups, public sets", "公开数据留出组", public)
    both = unseen if public is None else public + unseen
    for name, mine in _by_source(both):
        found = _rumours(mine)
        if found:
            yield {
                "en": f"rumours by event, {name}",
                "zh": f"谣言（按事件）：{name}",
                "rumours": found,
            }
    people = _of(both, lambda name: name.startswith("c-red"))
    people = people.at(np.flatnonzero(people.rows.labels[:, HEADS.index(MACHINE_WRITTEN)] == 0))
    yield _split("unseen generator", "未见过的生成模型", people + _of(unseen, _is_generator))
    for name, mine in _by_source(unseen):
        if not _is_generator(name):
            yield _split(f"unseen source, {name}", f"未见过的来源：{name}", mine)


def _split(en: str, zh: str, scored: Scored) -> dict[str, Any]:
    found: dict[str, Any] = {"en": en, "zh": zh, "heads": head_figures(scored)}
    wrong = scored.wrong
    if MIN_KNOWN <= wrong.sum() < len(wrong) - MIN_KNOWN:
        columns = [HEADS.index(category) for category in CATEGORIES]
        known = ~np.isnan(scored.rows.labels[:, columns]).any(axis=1)
        if len(set(wrong[known].tolist())) > 1:
            highest = scored.scores[:, columns].max(axis=1)
            found["auc_anything_wrong"] = round(
                float(roc_auc_score(wrong[known], highest[known])), 4
            )
    return found


def _rumours(scored: Scored) -> dict[str, Any] | None:
    """AUC of the highest of categories 1, 2 and 4 for what a platform's board called a rumour."""
    labels = scored.rows.labels[:, HEADS.index(Category.DISTORTION)]
    known = ~np.isnan(labels)
    if min((labels == 1).sum(), (labels == 0).sum()) < MIN_KNOWN:
        return None
    columns = [HEADS.index(category) for category in _RUMOUR_HEADS]

    def auc(scores: Floats) -> float:
        return round(float(roc_auc_score(labels[known], scores[known][:, columns].max(axis=1))), 4)

    return {
        "rows": int(known.sum()),
        "positives": int((labels == 1).sum()),
        "auc": auc(scored.scores),
        "ngram_auc": None if scored.baseline is None else auc(scored.baseline),
    }


def source_probe(clean: Scored, others: Sequence[Scored]) -> dict[str, float]:
    """AUC of each category's score for 'a clean post of the corpus' against other clean text.

    Near 0.5 is good: a score far above it reads how the corpus is written, not what is wrong.
    """
    if not others:
        return {}
    found = {}
    for category in CATEGORIES:
        column = HEADS.index(category)
        rest = np.concatenate([o.scores[o.rows.labels[:, column] == 0, column] for o in others])
        mine = clean.scores[:, column]
        marks = np.repeat([1, 0], [len(mine), len(rest)])
        found[category.value] = round(float(roc_auc_score(marks, np.append(mine, rest))), 4)
    return found


def _by_source(scored: Scored) -> Iterable[tuple[str, Scored]]:
    for name in sorted(set(scored.rows.writers)):
        yield name, scored.at(np.flatnonzero(np.array(scored.rows.writers) == name))


def _of(scored: Scored, wanted: Callable[[str], bool]) -> Scored:
    """The rows of the data sets that are wanted."""
    return scored.at([place for place, name in enumerate(scored.rows.writers) if wanted(name)])


def _is_generator(source: str) -> bool:
    return source == UNSEEN_GENERATOR
