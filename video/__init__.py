"""Video: files, cameras and pushed pictures become timed frames, and frames become what was seen."""
