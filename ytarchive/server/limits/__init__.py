"""Limits of connections, requests, bodies and frames, checked before anything of them is parsed."""
