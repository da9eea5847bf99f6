"""Watched state: how far each person has watched each video, and which videos they have finished."""
