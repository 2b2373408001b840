"""The engine whose runs are made on the nodes of a Ray cluster."""
