"""The table of owners, and what is written from it."""
