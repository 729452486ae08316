"""Speech: sound becomes turns and words, and text becomes sound."""
