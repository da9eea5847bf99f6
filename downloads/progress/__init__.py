"""Progress over Redis: the message, the names of channels and keys, the publisher, and the batch event."""
