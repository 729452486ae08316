"""Vision-language models of the hub: how each family sees, and where what it saw stands."""
