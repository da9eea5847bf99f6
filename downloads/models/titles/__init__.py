"""Titles looked up ahead of the queue: what was looked up, and by whom."""
