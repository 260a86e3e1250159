"""What scale.py found, for docs/performance.md."""

from typing import Any

from page import about, paragraph, percent, table


def scale_block(report: dict[str, Any]) -> str:
    """The tables, with what was assumed."""
    return "\n\n".join((_measured(report), _waits(report), _day(report), _cost(report)))


def _measured(report: dict[str, Any]) -> str:
    service = report["service"]
    return paragraph(
        f"Measured ({about(report['measured'])} spread over the corpus): while every core is busy,",
        f"a post takes a core {service['mean_ms']:.1f} ms at the API in the mean (p50",
        f"{service['p50_ms']:.1f}, p99 {service['p99_ms']:.1f}; squared coefficient of variation",
        f"{service['scv']:.2f}), of which {service['scorer_mean_ms']:.1f} ms are scoring. The rest",
        "runs mostly in one thread of a process: give a process no more than",
        f"{service['cores_a_process']} cores.",
    )


def _waits(report: dict[str, Any]) -> str:
    columns = next(iter(report["cores"].values()))
    head = ["cores", *(f"{percent(each['utilisation'])} offered" for each in columns)]
    rows = [
        [str(cores), *(_wait(each) for each in found)] for cores, found in report["cores"].items()
    ]
    return "\n\n".join(
        (
            "![simulated waits and refusals against utilisation](scale.svg)",
            paragraph(
                "Simulated: wait before scoring begins, ms, p50 / p99 of the posts let in, and in",
                "brackets the share refused with 503; one queue before so many cores.",
            ),
            table(head, rows),
            _check(report),
        )
    )


def _wait(each: dict[str, float]) -> str:
    return f"{each['p50_ms']:.1f} / {each['p99_ms']:.1f} ({percent(each['refused'], 2)})"


def _check(report: dict[str, Any]) -> str:
    checks = report["check"].values()
    worst = max(abs(each["simulated_ms"] / each["formula_ms"] - 1) for each in checks)
    return paragraph(
        f"Without a bound the simulated mean wait at {percent(report['checked_at'])} is within",
        f"{percent(worst)} of the formula of Allen and Cunneen for every number of cores here.",
    )


def _day(report: dict[str, Any]) -> str:
    head = [
        "busy at the peak",
        "in the mean",
        "p50 ms",
        "p99 ms",
        "p99 ms, busiest hour",
        "refused",
    ]
    rows = [
        [
            percent(each["busy_at_peak"]),
            percent(each["busy_mean"]),
            f"{each['p50_ms']:.1f}",
            f"{each['p99_ms']:.1f}",
            f"{each['busiest_hour_p99_ms']:.1f}",
            percent(each["refused"], 3),
        ]
        for each in report["day"]
    ]
    told = paragraph(
        f"Simulated: the waits of a day, on {report['day_cores']} cores, whose busiest minute has",
        f"{report['assumed']['peak']:g} times the mean rate.",
    )
    return f"{told}\n\n{table(head, rows)}"


def _cost(report: dict[str, Any]) -> str:
    assumed = report["assumed"]
    head = [
        "",
        "core ms a post",
        "posts a day a core",
        "cores",
        "core-hours a day",
        "dollars a day",
        "dollars a million posts",
    ]
    names = {"api": "API", "offline": "scoring alone, at an even pace, every core busy"}
    rows = [
        [
            names[name],
            f"{found['core_ms_a_post']:.1f}",
            f"{found['posts_a_day_a_core']:,}",
            f"{found['cores']:,}",
            f"{found['core_hours_a_day']:,}",
            f"{found['price_a_day']:,.0f}",
            f"{found['price_a_million']:.2f}",
        ]
        for name, found in report["cost"].items()
    ]
    told = paragraph(
        f"Computed: {assumed['posts_a_day']:,} posts a day. Assumed: a peak of",
        f"{assumed['peak']:g} times the mean, cores {percent(assumed['busy'])} busy at that peak",
        f"and paid for all day, and a price of {assumed['price']:g} US dollars for a core-hour.",
    )
    return f"{told}\n\n{table(head, rows)}"
