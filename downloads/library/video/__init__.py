"""The page of a video: player, chapters, and what comes next."""
