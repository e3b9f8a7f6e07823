"""Rules as data, and the decisions they lead to."""
