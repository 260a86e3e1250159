"""Prometheus metrics of one process."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select

from classifiers.cache import ScoreCache
from labels.results import ScoredPost
from serving.lineup import Lineup
from serving.outbox import DEAD, PENDING
from serving.precision import verdict_counts
from serving.queue import CaseState
from serving.releases import Stage
from serving.store.schema import cases, deliveries

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SCORES = tuple(step / 20 for step in range(1, 21))


class _Cached(Collector):
    """What a cache counts itself."""

    def __init__(self, cache: ScoreCache) -> None:
        self._cache = cache

    def collect(self) -> Iterator[Metric]:
        """As Prometheus' client asks for it."""
        asked = CounterMetricFamily(
            "mingbian_score_cache", "Posts looked for among scores kept", labels=["found"]
        )
        asked.add_metric(["true"], self._cache.hits)
        asked.add_metric(["false"], self._cache.misses)
        yield asked
        yield GaugeMetricFamily(
            "mingbian_score_cache_bytes", "Memory of the scores kept", self._cache.size
        )


class Metrics:
    """Counted since the process began; what lies in the store is read when it is asked for."""

    def __init__(self, cache: ScoreCache | None = None) -> None:
        """A registry of its own, so that two applications in a process do not meet."""
        self.registry = CollectorRegistry()
        if cache:
            self.registry.register(_Cached(cache))
        self.requests = Histogram(
            "mingbian_request_seconds",
            "Time to answer a request",
            ["route", "method", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.scoring = Histogram(
            "mingbian_scoring_seconds",
            "Time to score the posts of a request",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.scores = Histogram(
            "mingbian_score",
            "Scores at the population's rates",
            ["category"],
            buckets=_SCORES,
            registry=self.registry,
        )
        self.suggestions = Counter(
            "mingbian_suggestions", "Posts by suggestion", ["suggestion"], registry=self.registry
        )
        self.protected = Counter(
            "mingbian_protected",
            "Posts of a protected class by suggestion",
            ["protected", "suggestion"],
            registry=self.registry,
        )
        self.waiting = Gauge(
            "mingbian_requests_inside",
            "Requests that are scored or wait for it",
            registry=self.registry,
        )
        self.queue = Gauge(
            "mingbian_cases_open", "Cases that wait for a person", registry=self.registry
        )
        self.queue_age = Gauge(
            "mingbian_oldest_case_seconds", "Age of the oldest such case", registry=self.registry
        )
        self.verdicts = Gauge(
            "mingbian_verdicts",
            "Reviews that people closed and that stand, by whether anything followed",
            ["category", "upheld"],
            registry=self.registry,
        )
        self.models = Gauge(
            "mingbian_model",
            "Share of the accounts that a version in force answers, 0 of one in shadow",
            ["stage", "version", "sha256"],
            registry=self.registry,
        )
        self.unloaded = Gauge(
            "mingbian_models_unloaded",
            "Versions that the store names and this server cannot load",
            registry=self.registry,
        )
        self.deliveries = Gauge(
            "mingbian_deliveries",
            "Webhook deliveries that are not done",
            ["state"],
            registry=self.registry,
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request; methods that nobody knows are one."""
        known = method if method in _METHODS else "other"
        self.requests.labels(route, known, status).observe(seconds)

    def see(self, result: ScoredPost) -> None:
        """Count a post that was scored."""
        for category, score in result.scores.items():
            self.scores.labels(category.value).observe(score)
        self.suggestions.labels(result.suggestion.value).inc()
        for protection in result.protected:
            self.protected.labels(protection.code, result.suggestion.value).inc()

    def answer_with(self, lineup: Lineup, unloaded: Sequence[str]) -> None:
        """Tell which versions are in force here."""
        self.models.clear()
        stages = {
            Stage.CHAMPION: (lineup.champion, 1 - lineup.share),
            Stage.CANARY: (lineup.canary, lineup.share),
            Stage.SHADOW: (lineup.shadow, 0),
        }
        for stage, (seat, share) in stages.items():
            if seat:
                self.models.labels(stage, seat.version.version, seat.version.sha256).set(share)
        self.unloaded.set(len(unloaded))

    def page(self, connection: Connection, inside: int) -> bytes:
        """Everything, in Prometheus' text format."""
        waits = cases.c.state != CaseState.CLOSED
        asked = select(func.count(), func.min(cases.c.opened_at)).where(waits)
        number, oldest = connection.execute(asked).one()
        self.waiting.set(inside)
        self.queue.set(number)
        self.queue_age.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)
        for category, upheld, reviews in verdict_counts(connection):
            self.verdicts.labels(category, str(upheld).lower()).set(reviews)
        for state in (PENDING, DEAD):
            waiting = select(func.count()).where(deliveries.c.state == state)
            self.deliveries.labels(state).set(connection.scalar(waiting) or 0)
        return generate_latest(self.registry)
