"""The only package that imports yt_dlp: looks videos up and fetches them."""
