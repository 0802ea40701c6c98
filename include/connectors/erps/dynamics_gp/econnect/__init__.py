"""eConnect: the typed parameters of its procedures, and the rules their values must obey."""
