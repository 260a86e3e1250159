"""Traces for OpenTelemetry, when the environment names a collector."""

import os

from fastapi import FastAPI

from labels.errors import InputError

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def trace(app: FastAPI) -> None:
    """Send a span for each request to the collector of ``OTEL_EXPORTER_OTLP_ENDPOINT``.

    Without that variable nothing is traced.

    Raises:
        InputError: the extra is not installed.
    """
    if not os.environ.get(_ENDPOINT):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise InputError(
            f"{_ENDPOINT} is set, and {error.name} is not installed",
            remedy="pip install 'mingbian[telemetry]'",
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "mingbian"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
