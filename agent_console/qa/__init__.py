"""Recorded calls: list, audio, replay."""
