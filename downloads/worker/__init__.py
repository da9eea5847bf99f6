"""The worker: claims rows and runs one child process per download."""
