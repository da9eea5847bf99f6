"""Other ways to do the same, each as its users would write it."""
