"""What a turn means: intent, sentiment words, key points."""
