"""The benches of the command line: each prints a table and, for programs, the same figures as JSON."""
