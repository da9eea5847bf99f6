"""Pages of videos that belong together: channels and playlists."""
