"""From what an engine heard to what people read: digits, numbers, fillers, punctuation."""
