"""Benchmark of the library's pages: `make bench ARGS=library`."""
