"""The wire: the progress message, the names it travels under, and how it is published."""
