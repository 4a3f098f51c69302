"""Traces: one per webhook, carried as `traceparent` over every Kafka record that follows from it.

Spans are OpenTelemetry's. Without an exporter configured nothing is sent anywhere, and the ids
still travel, so that an answer can be followed back to its webhook.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

# Asked for once: each `get_tracer` makes one anew. It takes the provider that is set later.
_TRACER = trace.get_tracer("recado")


def configure(service: str) -> None:
    """Give the process a tracer provider that names it."""
    resource = Resource.create({SERVICE_NAME: f"recado-{service}"})
    trace.set_tracer_provider(TracerProvider(resource=resource))


@contextmanager
def span(
    name: str,
    *,
    parent: str | None = None,
    links: Iterable[str] = (),
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Iterator[trace.Span]:
    """A span; the child of `parent` (a `traceparent`) if given, else of the current one.

    `links` are `traceparent`s of what else led to it. An unreadable `parent` is ignored and starts
    a new trace; so is an unreadable link.
    """
    context = propagate.extract({"traceparent": parent}) if parent else None
    with _TRACER.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=attributes,
        links=[*_links(links)],
        record_exception=False,
    ) as current:
        yield current


def _links(traceparents: Iterable[str]) -> Iterator[trace.Link]:
    for one in traceparents:
        context = propagate.extract({"traceparent": one}, context=Context())
        linked = trace.get_current_span(context).get_span_context()
        if linked.is_valid:
            yield trace.Link(linked)


def traceparent() -> str | None:
    """The current span as a W3C `traceparent`, or None outside of one."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


def traceparent_of(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """The `traceparent` of a Kafka record."""
    for name, value in headers:
        if name == "traceparent":
            return value.decode("ascii", errors="replace")
    return None
