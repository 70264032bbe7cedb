"""What the tests know of Transformers."""

PACKAGE = "transformers"
