"""RTP without a network: packets, arrival, the jitter buffer, reports. Nothing here does I/O or reads a clock."""
