"""WebRTC peers: answering, receiving, sending."""
