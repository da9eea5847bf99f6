"""The worker: claims rows, keeps their leases, and runs one child process per download."""
