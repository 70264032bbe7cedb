"""Keep the environment of an AI project whole: lock, install, try, promote, roll back, save, bisect."""
