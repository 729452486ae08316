"""What users ask about being told something later, by the grammar of how English speakers ask it."""
