"""Pages of subscriptions, and what people do there: follow, edit, check, fetch, ignore, unsubscribe, import, export."""
