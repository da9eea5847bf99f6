"""Interface to yt-dlp: probes URLs and downloads files. The only package that imports yt_dlp."""
