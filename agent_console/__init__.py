"""People: HTTP, websocket, web app and command line; the composition root."""
