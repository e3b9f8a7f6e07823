"""Live events to browsers over websockets."""
