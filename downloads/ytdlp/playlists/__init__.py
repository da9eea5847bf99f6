"""Entries of playlists: what of one is kept, as JSON, and how it is fetched."""
