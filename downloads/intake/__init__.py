"""Adding videos: URLs, playlists and duplicates."""
