"""Checks of subscriptions: which process does one, how politely it asks, and what it brings into the ledger."""
