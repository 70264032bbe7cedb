"""Makes `python -m PACKAGE COMMAND` work."""

from .cli import main

raise SystemExit(main())
