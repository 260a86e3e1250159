"""The model card that lies beside a bundle, made from its manifest."""

from typing import Any

from labels.taxonomy import Category

_SPLITS = {
    "held_out_groups": "held-out pair groups (same writers on both sides)",
    "unseen_writers": "unseen writers",
    "unseen_writers_stripped": "unseen writers, author and declarations removed",
}


def model_card(manifest: dict[str, Any]) -> str:
    """Markdown: what the model is, learned from, reaches on unseen rows, and must not do.

    Args:
        manifest: the fields of :class:`classifiers.bundle.Manifest`.
    """
    sources = "\n".join(
        f"- {s['name']}: {s['rows']} rows, {s['licence']}, sha256 `{s['sha256']}`"
        for s in manifest["sources"]
    )
    return f"""# {manifest["id"]} {manifest["version"]}

A linear model over hashed character 1-4-grams of title, text and the account's face, one
logistic regression for each of {len(manifest["heads"])} heads (categories, clauses, protected
classes). Interim: a fine-tuned transformer is to replace it, and it stays as the baseline.
It has no head for machine-written text.

Licence of the weights: {manifest["licence"]}. Learned from:

{sources}

## Figures on rows it did not learn from

Average precision by category, AUC of "anything wrong", contrast pairs ranked right. No public
data set and no other author's platform was measured for this version.

{_table(manifest["metrics"])}

## Limits

- A score is a suspicion, never a verdict: most clauses cannot be decided from a post alone.
- Probabilities were calibrated on unseen writers at the corpus' own rates (about 45 %
  violations); on live traffic a flag is right less often than its probability says.
- The corpus is written for this project; on other people's text the model is weaker. Legitimate
  news sent without an author is a known source of false flags.
- A long text is read in windows and the worst window counts, so a very long text made of
  unrelated posts is flagged more often than a short one.
"""


def _table(metrics: dict[str, Any]) -> str:
    head = ["split", *Category, "mean", "AUC", "pairs"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for split, title in _SPLITS.items():
        found = metrics[split]
        cells = [f"{found['average_precision'][category]:.3f}" for category in Category]
        cells += [
            f"{found[name]:.3f}"
            for name in ("macro_average_precision", "auc_anything_wrong", "pairs_ranked_right")
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)
