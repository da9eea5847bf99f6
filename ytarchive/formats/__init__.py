"""Formats of dates per language (FORMAT_MODULE_PATH)."""
