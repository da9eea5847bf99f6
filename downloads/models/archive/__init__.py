"""The archive as a whole: its id, which the data folder and the media folder carry too."""
