"""The call: what is meant, who serves, with what; owns the life of a call and its journal."""
