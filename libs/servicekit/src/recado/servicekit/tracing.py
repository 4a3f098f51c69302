"""Traces: one per webhook, carried as `traceparent` over every Kafka record that follows from it.

Spans are OpenTelemetry's. Without an exporter configured nothing is sent anywhere, and the ids
still travel, so that an answer can be followed back to its webhook.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import Token
from types import TracebackType

from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import DEFAULT_ON
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.util.types import AttributeValue

# Asked for once: each `get_tracer` makes one anew. It takes the provider that is set later.
_TRACER = trace.get_tracer("recado")

_FLAGS = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)

_TRACEPARENT = "00-%032x-%016x-%02x"


class _Provider(TracerProvider):
    """Knows whether anybody looks at its spans."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource=resource)
        # Another sampler decides over the flags that go out; a provider that is switched off by the
        # environment gives no ids. Both are left to the SDK.
        disabled = isinstance(self.get_tracer("recado"), trace.NoOpTracer)
        self.watched = disabled or self.sampler is not DEFAULT_ON

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Have the spans that begin from now on told to it."""
        super().add_span_processor(span_processor)
        self.watched = True


def configure(service: str) -> None:
    """Give the process a tracer provider that names it."""
    trace.set_tracer_provider(_Provider(Resource.create({SERVICE_NAME: f"recado-{service}"})))


def span(
    name: str,
    *,
    parent: str | None = None,
    links: Iterable[str] = (),
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> AbstractContextManager[trace.Span]:
    """A span; the child of `parent` (a `traceparent`) if given, else of the current one.

    `links` are `traceparent`s of what else led to it. An unreadable `parent` is ignored and starts
    a new trace; so is an unreadable link.
    """
    context = propagate.extract({"traceparent": parent}) if parent else None
    provider = trace.get_tracer_provider()
    if isinstance(provider, _Provider) and not provider.watched:
        return _Unwatched(provider, context)
    return _recorded(name, context, links, kind, attributes)


@contextmanager
def _recorded(
    name: str,
    context: Context | None,
    links: Iterable[str],
    kind: SpanKind,
    attributes: Mapping[str, AttributeValue] | None,
) -> Iterator[trace.Span]:
    with _TRACER.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=attributes,
        links=[*_links(links)],
        record_exception=False,
    ) as current:
        yield current


class _Unwatched:
    """A span that nobody is told of: only its ids, which are made and travel as the SDK has it.

    The SDK's own costs some 30 µs for a name, times and limits that go nowhere, which is more than
    all else that ingress's front does for a webhook.
    """

    __slots__ = ("_context", "_ids", "_token")

    def __init__(self, provider: _Provider, context: Context | None) -> None:
        self._context = context
        self._ids = provider.id_generator
        self._token: Token[Context] | None = None

    def __enter__(self) -> trace.Span:
        around = contexts.get_current()
        within = around if self._context is None else self._context
        # Mostly there is nothing around it at all.
        parent = trace.get_current_span(within).get_span_context() if within else None
        if parent is not None and parent.is_valid:
            trace_id, state = parent.trace_id, parent.trace_state
            flags = TraceFlags(parent.trace_flags & _FLAGS)
        else:
            trace_id, state, flags = self._ids.generate_trace_id(), None, _FLAGS
        span_id = self._ids.generate_span_id()
        own = SpanContext(trace_id, span_id, False, flags, state)
        current = trace.NonRecordingSpan(own)
        self._token = contexts.attach(trace.set_span_in_context(current, around))
        return current

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._token is not None:
            contexts.detach(self._token)


def _links(traceparents: Iterable[str]) -> Iterator[trace.Link]:
    for one in traceparents:
        context = propagate.extract({"traceparent": one}, context=Context())
        linked = trace.get_current_span(context).get_span_context()
        if linked.is_valid:
            yield trace.Link(linked)


def traceparent(span: trace.Span | None = None) -> str | None:
    """This span, else the current one, as a W3C `traceparent`; None outside of one."""
    current = (trace.get_current_span() if span is None else span).get_span_context()
    if not current.is_valid:
        return None
    # Written here, since the propagators that would write it go on to carry baggage and state.
    return _TRACEPARENT % (current.trace_id, current.span_id, current.trace_flags)


def traceparent_of(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """The `traceparent` of a Kafka record."""
    for name, value in headers:
        if name == "traceparent":
            return value.decode("ascii", errors="replace")
    return None
