"""Actions that people take on videos and on the queue, and the messages that report them."""
