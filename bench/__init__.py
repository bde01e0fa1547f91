"""Benchmarks: each runs by itself (`python -m bench.NAME`) and compares ways in one run."""
