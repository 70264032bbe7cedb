"""What `/predict` takes and gives, as its documentation shows it, and the page at `/`.

It belongs to `task.py`: `Request` is what `prepare` takes, `Prediction` what `decode` gives.
Without `Request` the model's inputs are taken by their names, and without `PAGE` there is no page.
Routes of your own are added by a function `add_routes(app)`: docs/serving.md.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PAGE = "page.html"  # beside this file

Text = Annotated[str, Field(strict=True, max_length=20_000)]


class Request(BaseModel):
    """Texts of one of the authors."""

    model_config = ConfigDict(extra="forbid")

    texts: list[Text] = Field(min_length=1, description="what one of the authors could have said")


class Prediction(BaseModel):
    """The likeliest author of a text."""

    class_: str = Field(alias="class")
    probability: float
