"""Subscriptions: channels and playlists that are followed. When each is checked, what of a list is wanted and why the
rest is not, the ledger of all that was seen, what people do with both, and how long videos stay.
"""
