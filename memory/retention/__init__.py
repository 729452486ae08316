"""What is forgotten when the disk budget is used up: a contract and one file per policy."""
