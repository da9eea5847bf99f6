"""Channels as pages: the list of all, and what one has."""
