"""What several kinds of tests share: the template as it stands, and ways to run Copier on it."""
