"""Benchmarks of the progress pipeline beside its peers, and of the library: `make bench`."""
