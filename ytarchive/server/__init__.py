"""The web server and the channel layer."""
