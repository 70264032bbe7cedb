"""What `/predict` takes and gives, as its documentation shows it, and the page at `/`.

It belongs to `task.py`: `Request` is what `prepare` takes, `Prediction` what `decode` gives.
Without `Request` the model's inputs are taken by their names, and without `PAGE` there is no page.
Routes of your own are added by a function `add_routes(app)`: docs/serving.md.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PAGE = "page.html"  # beside this file

Pixel = Annotated[float, Field(ge=0, le=16, allow_inf_nan=False, strict=True)]
Row = Annotated[list[Pixel], Field(min_length=8, max_length=8)]
Image = Annotated[list[Row], Field(min_length=8, max_length=8)]


class Request(BaseModel):
    """Images of digits."""

    model_config = ConfigDict(extra="forbid")

    images: list[Image] = Field(
        min_length=1, description="8 rows of 8 pixels each, from 0 (paper) to 16 (ink)"
    )


class Prediction(BaseModel):
    """The likeliest class of an image."""

    class_: str = Field(alias="class")
    probability: float
