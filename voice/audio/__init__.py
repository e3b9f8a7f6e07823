"""Resampling, G.711, file decoding, levels, mixing."""
