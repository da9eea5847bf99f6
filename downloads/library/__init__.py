"""The archive as visitors look at it: listings, filters and the page of one video.

Reads only: rows change through the methods of `Video` and its manager.
"""
