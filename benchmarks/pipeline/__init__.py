"""Benchmark of the progress pipeline, next to other designs: `make bench`."""
