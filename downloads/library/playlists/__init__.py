"""Playlists as pages and cards: what is at which place, in all, and the picture in front."""
