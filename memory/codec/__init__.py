"""How keys and values are kept outside the window: a contract and one file per form."""
