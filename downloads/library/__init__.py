"""The archive as visitors look at it: lists, filters and the page of one video."""
