"""Append and read the events of calls."""
