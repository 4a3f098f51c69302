"""Benchmarks against their floors. `python -m bench --help` says what can be typed."""
