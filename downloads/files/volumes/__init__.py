"""File systems that the folders are on: their faults, probes, moves between them, and the marker of the archive."""
