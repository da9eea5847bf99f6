"""Channels: the uploaders whose videos are here, with what the archive has of each."""
