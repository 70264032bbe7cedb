"""The releases of the template: their record, their checks, and how one is made."""
