"""HTTP/1.1 of the web server: its channel, requests and streamed responses."""
