"""Permissions, sessions and the addresses of visitors."""
