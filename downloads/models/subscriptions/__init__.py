"""Subscriptions: channels and playlists that are checked for new videos, the ledger of all that was seen in them, and
the pauses of sites."""
