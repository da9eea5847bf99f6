"""What a worker does about the folders: looks at them, holds the queue while one is unusable, and plans space."""
