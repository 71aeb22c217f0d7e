"""Spans of other tracers, read as events: OTLP, Jaeger, Zipkin, osprofiler."""
