"""A client for people: microphone, camera and speaker, or files in their place."""
