"""Downloads of the whole program next to those of the yt-dlp command line, from the same local site."""
