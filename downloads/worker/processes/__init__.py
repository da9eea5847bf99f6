"""Processes of downloads: started by a fork server that has imported everything, or by a new interpreter."""
