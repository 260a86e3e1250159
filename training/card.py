"""The model card that lies beside a bundle, made from its manifest and its release report."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from classifiers.bundle import Manifest, NgramPart, TransformerPart
from labels.results import Suggestion
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
#: average precisions that are closer are alike
_TIE = 0.005
_ON_LIVE = "a policy\n  pack moves them to the rates of a platform."
_RATES_OF_CORPUS = "the corpus' own rates (about 45 %\n  violations)"
_RATES_WITH_PUBLIC = "the rates of the\n  corpus and the public sets together"


def model_card(manifest: Manifest, report: Mapping[str, Any] | None = None) -> str:
    """Markdown: what the model is, learned from, reaches on unseen rows, and must not do.

    Args:
        manifest: of the bundle.
        report: of :func:`training.release.report.release_report`; a model that was just trained
            has none yet.
    """
    sources = "\n".join(
        f"- {s.name}: {s.rows} rows, {s.licence}, sha256 `{s.sha256}`" for s in manifest.sources
    )
    learned_public = "public_groups" in manifest.metrics
    public = _PUBLIC_HELD_OUT if learned_public else _PUBLIC_NOT_MEASURED
    rates = _RATES_WITH_PUBLIC if learned_public else _RATES_OF_CORPUS
    parts = "\n".join(f"- {_KINDS[part.kind]} ({_weights(part)})" for part in manifest.parts)
    more = _first_stage(manifest) + _pretrained(manifest)
    return f"""# {manifest.id} {manifest.version}

Scores {len(manifest.heads)} heads: categories, clauses and protected classes of the taxonomy. It
{_origin(manifest)}. The log-odds of its parts are summed with these weights and
calibrated head by head:

{parts}

{more}Licence of the weights, which is not the code's: {manifest.licence}.
Learned from{_but_held_out(manifest)}:

{sources}

## Figures on rows it did not learn from

Average precision by category, AUC of "anything wrong", contrast pairs ranked right. {public}

{_table(manifest.metrics)}
{_measured(report) if report else ""}
## Limits

- A score is a suspicion, never a verdict: most clauses cannot be decided from a post alone.
- Probabilities were calibrated on unseen rows at {rates}; {_ON_LIVE}
- The corpus is written for this project; on other people's text the model is weaker.
- A long text is read in windows and the worst window counts, so a very long text made of
  unrelated posts is flagged more often than a short one.
"""


def _measured(report: Mapping[str, Any]) -> str:
    """What the release report says, in figures."""
    policy, thresholds = report["policy"], report["thresholds"]
    figures = [
        ("clean posts of the corpus to review", _flagged(report["clean"])),
        ("protected classes to review, all", _weighted(report["by_protected_class"])),
        ("protected classes to review, worst", _worst(report["by_protected_class"])),
        ("violations caught (prompt, review or act)", 1 - _passed(report["caught"])),
        ("ordinary text to review, all genres", _weighted(report["by_genre"])),
        ("ordinary text to review, worst genre", _worst(report["by_genre"])),
        ("unseen writers: clean posts to review", _flagged(report["unseen_writers"]["clean"])),
        ("unseen writers: protected to review", _flagged(report["unseen_writers"]["protected"])),
        ("unseen writers: violations caught", 1 - report["unseen_writers"]["caught"]["pass"]),
        ("MisinfoCheck-zh passed", report["suite"]["passed"]),
        ("flags kept under disguise, worst kind", min(report["attacks"].values())),
    ]
    rows = "\n".join(f"| {name} | {100 * share:.1f} % |" for name, share in figures)
    errors = ", ".join(
        f"{name} {found['expected_error']:.3f}" for name, found in report["calibration"].items()
    )
    return f"""
Under the policy {policy["id"]} {policy["version"]}, which sends at most
{thresholds["reviews_per_1000_posts_at_most"]} of 1,000 posts to review at the rates that it assumes
(`mingbian evaluate` writes the whole report):

| | |
|---|---|
{rows}

Expected calibration error at those rates: {errors}.

{_split_table(report)}

{_ngram_better(report)}
"""


def _ngram_better(report: Mapping[str, Any]) -> str:
    """Where a simpler model would do better, and why it is blended with all the same."""
    worse = [
        f"{head} ({split['en']}: {found['average_precision'][0]:.3f} against "
        f"{found['ngram_average_precision']:.3f})"
        for split in report["splits"]
        for head, found in split.get("heads", {}).items()
        if found.get("ngram_average_precision", 0.0) > found["average_precision"][0] + _TIE
    ]
    if not worse:
        return "The n-gram part alone is nowhere better in average precision."
    return (
        "The n-gram part alone is better in average precision at: "
        + ", ".join(worse)
        + ". It is blended with all the same, for what the blend gains at the four categories of "
        "posts with an account."
    )


def _split_table(report: Mapping[str, Any]) -> str:
    """AUC by split beside the n-gram part alone."""
    lines = ["| split | head | rows | AUC (95 %) | n-gram AUC |", "|---|---|---|---|---|"]
    for split in report["splits"]:
        for head in (*Category, MACHINE_WRITTEN):
            if found := split.get("heads", {}).get(head):
                value, low, high = found["auc"]
                shown = f"{value:.3f} ({low:.3f}-{high:.3f})"
                lines.append(_line(split["en"], head, found, shown))
        if found := split.get("rumours"):
            lines.append(_line(split["en"], "highest of 1, 2, 4", found, f"{found['auc']:.3f}"))
    return "\n".join(lines)


def _line(split: str, head: str, found: Mapping[str, Any], auc: str) -> str:
    alone = found.get("ngram_auc")
    return f"| {split} | {head} | {found['rows']} | {auc} | {alone or 'none'} |"


def _flagged(shares: Mapping[str, Any]) -> float:
    return float(shares["review"] + shares["act"])


def _worst(by_name: Mapping[str, Mapping[str, Any]]) -> float:
    return max(map(_flagged, by_name.values()), default=0.0)


def _weighted(by_name: Mapping[str, Mapping[str, Any]]) -> float:
    found = list(by_name.values())
    return float(np.average([*map(_flagged, found)], weights=[each["rows"] for each in found]))


def _passed(by_name: Mapping[str, Mapping[str, Any]]) -> float:
    found = list(by_name.values())
    shares = [each["pass"] for each in found]
    return float(np.average(shares, weights=[each["rows"] for each in found]))


def _but_held_out(manifest: Manifest) -> str:
    if manifest.held_out is None:
        return ""
    return f", all but one of {manifest.held_out.folds} folds of groups of each, held out"


def _weights(part: NgramPart | TransformerPart) -> str:
    others = (f"{head} {weight:g}" for head, weight in part.weight_by_head.items())
    return ", ".join([f"{part.weight:g}", *others])


def _origin(manifest: Manifest) -> str:
    knows = MACHINE_WRITTEN in manifest.heads
    return f"has {'a' if knows else 'no'} head for machine-written text"


def _first_stage(manifest: Manifest) -> str:
    if manifest.cascade is None:
        return ""
    risks = manifest.cascade.risks
    return (
        "A first stage, which is the linear model alone, may clear posts in audits: in each\n"
        f"category at most {100 * risks[Suggestion.REVIEW]:g} % of those that the whole model "
        f"would send to review, and {100 * risks[Suggestion.PROMPT]:g} % of\nthose for which it "
        "would suggest anything.\n\n"
    )


def _pretrained(manifest: Manifest) -> str:
    start = manifest.pretrained
    if all(isinstance(part, NgramPart) for part in manifest.parts):
        return "It is the baseline that every other model is measured beside.\n\n"
    begun = f"Training started from {start.name} ({start.licence}).\n" if start else ""
    lineage = manifest.lineage
    went_on = (
        f"It went on from {lineage.parent.id} {lineage.parent.version}, sha256 "
        f"`{lineage.parent.sha256}`.\n"
        if lineage
        else ""
    )
    return begun + went_on + "\n" if begun or went_on else ""


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
