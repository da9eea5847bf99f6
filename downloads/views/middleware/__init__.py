"""Middleware: what is answered while the database is out, and to bodies that are too large."""
