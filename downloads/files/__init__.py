"""Folders and file formats on disk."""
