"""A running session: senses, memory and voice around the rules of ``streams.session``."""
