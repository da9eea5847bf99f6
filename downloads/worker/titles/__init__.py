"""Titles looked up ahead of the queue: when, by which process, and what it finds."""
