"""Downloaded files on their way to the media folder: their inspection and preparation."""
