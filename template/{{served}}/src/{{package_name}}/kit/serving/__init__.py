# Owned by the template: every update rewrites this file. Your own routes go to serving.py.
"""The model behind HTTP. `make serve` starts it, and docs/serving.md tells of it.

`application` is the same for every kind of model: errors, limits, keys, logs, metrics, health. What
a kind of model answers is a `service.Service`; `predicting` is the one for models of arrays.
"""
