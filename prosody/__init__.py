"""Tone: speech segments become measured prosody and emotion."""
