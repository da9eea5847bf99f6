"""Restart matrix: one part of a running archive fails while a download is in one phase."""
