"""Adaptive streaming: manifests of HLS and DASH, the byte ranges in them, and the durations that they promise."""
