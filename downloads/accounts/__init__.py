"""Permissions, sessions and client addresses."""
