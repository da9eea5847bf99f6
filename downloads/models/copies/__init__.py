"""Playable copies: what browsers play in place of a file that they cannot decode."""
