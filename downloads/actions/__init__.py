"""Actions of people on videos and on the queue, and the messages about them."""
