"""The desk: agents, queues, reservations. Pure decisions, then their keeper."""
