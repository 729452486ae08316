"""Streams of made pictures, with dialogues of which every reply follows from what was seen."""
