"""Subtitles: their languages, character sets and formats, and their files as WebVTT."""
