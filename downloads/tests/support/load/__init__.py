"""Load: thousands of WebSocket clients and many publishers, on real processes, for as long as is asked for."""
