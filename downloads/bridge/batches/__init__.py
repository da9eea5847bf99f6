"""Batches of the bridge: the texts in them, and when one is sent."""
