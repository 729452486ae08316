"""The browser page: what it is made of, and how it is found."""
