"""Security headers of every response: pages, media, static files, errors, and refusals of the server itself."""
