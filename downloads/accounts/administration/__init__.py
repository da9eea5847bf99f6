"""Parts of the admin of accounts: choices of permissions in plain words, the list of users, and deletion."""
