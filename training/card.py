"""The model card that lies beside a bundle, made from its manifest."""

from typing import Any

from classifiers.bundle import Manifest, NgramPart
from labels.taxonomy import MACHINE_WRITTEN, Category

_SPLITS = {
    "held_out_groups": "held-out pair groups (same writers on both sides)",
    "held_out_groups_stripped": "the same, author and declarations removed",
    "held_out_groups_transformer": "the same held-out groups, the transformer alone in 32 bits",
    "held_out_groups_ngram": "the same held-out groups, the n-gram baseline alone",
    "unseen_writers": "unseen writers",
    "unseen_writers_stripped": "unseen writers, author and declarations removed",
}
_KINDS = {
    "ngram": "a linear model over hashed character 1-4-grams of title, text and the account's "
    "face, one logistic regression a head",
    "transformer": "a multi-task transformer over the account's face, the declarations, title "
    "and text, one attention pool a head, weights and activations of 8 bits",
}
_PUBLIC_NOT_MEASURED = (
    "No public\ndata set and no other author's platform was measured for this version."
)
_PUBLIC_HELD_OUT = (
    "Public\ndata sets were held out by group within each set, never a whole set; see the manifest."
)
_ON_LIVE = "a policy\n  pack moves them to the rates of a platform."
_RATES_OF_CORPUS = "the corpus' own rates (about 45 %\n  violations)"
_RATES_WITH_PUBLIC = "the rates of the\n  corpus and the public sets together"


def model_card(manifest: Manifest) -> str:
    """Markdown: what the model is, learned from, reaches on unseen rows, and must not do."""
    sources = "\n".join(
        f"- {s.name}: {s.rows} rows, {s.licence}, sha256 `{s.sha256}`" for s in manifest.sources
    )
    learned_public = "public_groups" in manifest.metrics
    public = _PUBLIC_HELD_OUT if learned_public else _PUBLIC_NOT_MEASURED
    rates = _RATES_WITH_PUBLIC if learned_public else _RATES_OF_CORPUS
    parts = "\n".join(f"- {_KINDS[part.kind]} ({part.weight:g})" for part in manifest.parts)
    return f"""# {manifest.id} {manifest.version}

Scores {len(manifest.heads)} heads: categories, clauses and protected classes of the taxonomy. It
{_origin(manifest)}. The log-odds of its parts are summed with these weights and
calibrated head by head:

{parts}

{_pretrained(manifest)}Licence of the weights, which is not the code's: {manifest.licence}.
Learned from{_but_held_out(manifest)}:

{sources}

## Figures on rows it did not learn from

Average precision by category, AUC of "anything wrong", contrast pairs ranked right. {public}

{_table(manifest.metrics)}

## Limits

- A score is a suspicion, never a verdict: most clauses cannot be decided from a post alone.
- Probabilities were calibrated on unseen rows at {rates}; {_ON_LIVE}
- The corpus is written for this project; on other people's text the model is weaker.
- A long text is read in windows and the worst window counts, so a very long text made of
  unrelated posts is flagged more often than a short one.
"""


def _but_held_out(manifest: Manifest) -> str:
    if manifest.held_out is None:
        return ""
    return f", all but one of {manifest.held_out.folds} folds of groups of each, held out"


def _origin(manifest: Manifest) -> str:
    knows = MACHINE_WRITTEN in manifest.heads
    return f"has {'a' if knows else 'no'} head for machine-written text"


def _pretrained(manifest: Manifest) -> str:
    start = manifest.pretrained
    if all(isinstance(part, NgramPart) for part in manifest.parts):
        return "It is the baseline that every other model is measured beside.\n\n"
    return f"Training started from {start.name} ({start.licence}).\n\n" if start else ""


def _table(metrics: dict[str, Any]) -> str:
    head = ["split", *Category, "mean", "AUC", "pairs"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for split, title in _SPLITS.items():
        if split not in metrics:
            continue
        found = metrics[split]
        cells = [f"{found['average_precision'][category]:.3f}" for category in Category]
        others = ("macro_average_precision", "auc_anything_wrong", "pairs_ranked_right")
        cells += ["none" if found[name] is None else f"{found[name]:.3f}" for name in others]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)
