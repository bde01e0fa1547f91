"""Rules and use-cases. Standard library only, no I/O of its own: time, ids and randomness are
arguments or ports."""
