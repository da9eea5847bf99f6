"""Thumbnails: pictures of sites and frames of videos, drawn anew in two sizes by a process of their own."""
