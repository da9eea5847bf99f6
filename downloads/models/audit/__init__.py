"""The audit log: one entry for each thing that a person did, kept when the video is gone."""
