"""Measurements: what a stage costs, how long people wait, and how that compares."""
