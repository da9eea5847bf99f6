"""Fan-out in a web process: from the group `progress` to every WebSocket client."""
