"""Lists of subscriptions that people bring and take along: pasted links, OPML, the CSV of Google Takeout."""
