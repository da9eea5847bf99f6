"""Policy on the addresses that downloads may reach, and the egress proxy that enforces it."""
