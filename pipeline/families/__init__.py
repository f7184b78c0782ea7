"""Which families of models there are, what each can do, and which configuration fields it has. Light: no transformers, no torch."""
