"""Pages of one's own account, and the way from the admin to the one sign-in page."""
