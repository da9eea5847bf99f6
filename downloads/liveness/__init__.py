"""Signs of life: heartbeats of main loops, and the activity of programs."""
