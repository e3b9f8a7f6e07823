"""Speech that Warmline itself utters."""
