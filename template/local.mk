# Yours: own make targets. A comment after two number signs puts a target into the list that `make` prints.
#
# hello:  ## say hello
# 	@echo hello
