"""Models: which there are, where they lie, how they come here, and whether they are what they claim to be."""
