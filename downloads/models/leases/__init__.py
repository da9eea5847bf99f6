"""Leases of the rows that workers hold: videos, look-ups of titles, playable copies, checks of subscriptions."""
