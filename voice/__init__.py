"""Sound in, sound out, speech found. Imports no other room."""
