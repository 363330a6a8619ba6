"""Benchmarks: one question per module, run as ``python -m benchmarks.<module>``. See README.md."""
