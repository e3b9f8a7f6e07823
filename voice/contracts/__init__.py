"""The vocabulary that every room shares; standard library and numpy only."""
