"""Benchmarks of streaming video in their authors' own files: films streamed once, answers scored."""
