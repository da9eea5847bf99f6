"""Parts that are forked from the supervisor, and share its memory."""
