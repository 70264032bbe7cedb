"""The modules of a project's ``tools/``, in this process."""
