"""Accounts, sessions, tickets."""
