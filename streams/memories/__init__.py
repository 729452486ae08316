"""Looking into kept sessions: what ``streams memory`` does."""
