"""Views of what each person has watched: positions of the player, and marks."""
