"""Whether a speaker who pauses has finished: when to ask, whom to ask, and what the answer means."""
