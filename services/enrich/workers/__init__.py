"""What each process of a worker's pool tells operators of itself."""
