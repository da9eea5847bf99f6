"""Bulk actions: what a person asked for on many videos, and which of them are still to be done."""
