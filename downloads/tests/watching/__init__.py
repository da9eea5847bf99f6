"""Tests of the watched state."""
