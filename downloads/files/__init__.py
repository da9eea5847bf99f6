"""Folders and file formats on disk.

Knows neither models nor the network: callers pass ids, paths and plain values.
"""
