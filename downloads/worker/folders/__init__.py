"""Folders as a worker sees them: their faults, for which it holds the queue, and the space in them."""
