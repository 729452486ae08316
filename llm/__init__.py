"""LLM: a language model behind one face, attending over sinks, recalled blocks and the recent window."""
