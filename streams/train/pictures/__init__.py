"""Pictures made by code, of which all is known that they show."""
