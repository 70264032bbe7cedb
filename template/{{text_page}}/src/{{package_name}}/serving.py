"""What the server has besides OpenAI's interface: the page at `/`.

`PAGE` names a file beside this one; without it there is no page. Routes of your own are added by a
function `add_routes(app)`: docs/serving.md.
"""

PAGE = "page.html"
