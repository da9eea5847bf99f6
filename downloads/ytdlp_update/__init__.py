"""Newer versions of yt-dlp: installed into the data folder, tested, and selected for the next download.

Imports neither yt_dlp nor `downloads.ytdlp`, which imports the version that is selected here.
"""
