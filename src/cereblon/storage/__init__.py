"""Files on disk: written whole or not at all, locked, kept in the cache folder, read within limits."""
