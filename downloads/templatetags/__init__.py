"""Template tags and filters, a module per subject.

Plain functions that Python code uses as well are in `downloads.formatting`.
"""
