"""Leases of the worker's downloads and of those of others: renewal, expiry, clocks and dead workers of this machine."""
