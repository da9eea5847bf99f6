"""The addresses that downloads may reach, and the proxy that enforces it."""
