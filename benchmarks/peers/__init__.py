"""Peers: other designs for the same task, each as its documentation recommends it."""
