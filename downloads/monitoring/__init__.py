"""Health checks, metrics, and the endpoints that serve them."""
