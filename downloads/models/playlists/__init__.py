"""Playlists: what each has at which place, also what the archive does not have."""
