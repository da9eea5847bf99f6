"""Adding videos: URLs, playlists and duplicates.

Everything that is queued passes `urls.parse_url`, from a form, the command line or a playlist.
"""
