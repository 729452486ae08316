"""The wire as data: what clients may send, what they are told, and the rules between, without any I/O."""
