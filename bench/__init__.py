"""Benchmarks: each compares something of ours with a named peer, in one run on one machine."""
