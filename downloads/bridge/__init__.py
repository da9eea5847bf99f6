"""Bridge process: Redis `progress:*` to one conflated batch per tick for the group `progress`."""
