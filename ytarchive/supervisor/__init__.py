"""The processes of one machine: started in order, watched, restarted and stopped."""
