"""Keep the environment of an AI project whole: lock, install, try, roll back, save, bisect."""
