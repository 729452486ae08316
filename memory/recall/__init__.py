"""From a question to the blocks worth reading again: a contract and one file per policy."""
