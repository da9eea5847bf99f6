"""The audit log: its page, the actor of each request, and entries about sign-ins."""
