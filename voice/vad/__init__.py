"""Voice activity detectors and the one segmenter."""
