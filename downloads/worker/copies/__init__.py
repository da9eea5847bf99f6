"""Making of playable copies: which is next, its process, and what that process does."""
