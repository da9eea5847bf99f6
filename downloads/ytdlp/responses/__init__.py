"""HTTP responses below yt-dlp: those of resumed downloads, and interim ones."""
