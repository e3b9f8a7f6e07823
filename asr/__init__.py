"""Words: speech segments become text."""
