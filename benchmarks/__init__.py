"""What the progress pipeline costs, beside its peers: `make bench`."""
