"""Locks: their text, how they are compiled and by which resolvers, and where torch comes from."""
