"""What speed.py measured, for docs/performance.md."""

from typing import Any

from page import about, paragraph, percent, table
from picture import NAMES

_HEAD = [
    "",
    "tokens a post",
    "batch: cores",
    "posts a run",
    "posts/s",
    "one post: cores",
    "p50 ms",
    "p99 ms",
]


def speed_block(report: dict[str, Any]) -> str:
    """The comparison with baselines and peers."""
    rows = [_row(name, found) for name, found in report["systems"].items()]
    picture = "![posts a second and latency of one post](speed.svg)"
    return "\n\n".join((picture, _conditions(report), table(_HEAD, rows), _summary(report)))


def _conditions(report: dict[str, Any]) -> str:
    singles = report["systems"]["mingbian"]["single_posts"]
    peers = ", ".join(f"{name} {version}" for name, version in report["peers"].items())
    return paragraph(
        f"Measured: {about(report)} spread over the corpus,",
        f"{report['characters_a_post']:.0f} characters each.",
        f"Single posts are {singles} of them. Ours and (a) to (c) are timed in turns, 100 posts of",
        f"each at a time. Versions of (d) to (f): {peers}.",
    )


def _row(name: str, found: dict[str, Any]) -> list[str]:
    return [
        NAMES[name].replace("\n", " "),
        f"{found['tokens_a_post']:.0f}",
        f"{found['cores']}",
        f"{found['batch_size']}",
        f"{found['posts_per_second']:.1f}",
        f"{found['cores_for_one']}",
        f"{found['p50_ms']:.1f}",
        f"{found['p99_ms']:.0f}",
    ]


def _summary(report: dict[str, Any]) -> str:
    a, served = report["ratios"]["a_pipeline_bert_base_fp32"], report["server"]
    shares = report["share_of_int8_peak"]
    return paragraph(
        f"A batch is scored {a['posts_per_second']:.1f} times as fast as by (a), and one post",
        f"takes {percent(a['p50_ms'])} of its time. The encoder's matrix products run at",
        f"{percent(shares['encoder'])} of the 8-bit peak measured in turns with it,",
        f"{shares['int8_peak_gflops']:.0f} GFLOP/s on all cores, all of the encoder's time",
        f"counted, and attention's products too ({percent(shares['encoder_weights'])} without",
        f"these); those with weights at {percent(shares['products'])} while they last. The API is",
        f"ready {served['ready_seconds']} s after its start. With its client on the same cores it",
        f"answers {served['posts_per_second']:.0f} posts a second, one a request, takes",
        f"{served['core_ms_a_post']:.1f} ms of core time for each, and then holds",
        f"{served['resident_mb']:.0f} MB.",
    )
