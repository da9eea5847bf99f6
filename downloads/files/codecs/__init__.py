"""Codecs of media files: what ffmpeg says about them, and which of them browsers decode."""
