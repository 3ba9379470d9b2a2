"""What a protocol says: the trial document."""
