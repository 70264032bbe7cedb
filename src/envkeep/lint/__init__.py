"""The checks of the team's and of the template's files."""
