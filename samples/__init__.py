"""Sample calls and the generator that makes them. Not part of the installed application."""
