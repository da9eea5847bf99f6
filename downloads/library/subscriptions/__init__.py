"""Pages of subscriptions: the list of all, and one with its ledger, its state in words, its history."""
