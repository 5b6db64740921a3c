"""The rival of row 12: the same page by FastAPI's `response_model`, as a tutorial would write it.

`python -m bench.plain_api PORT FILE`: serves the page saved in FILE at /page.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from services.api.schemas import ArticleWhole, Page


class WholePage(Page):
    """A page of whole articles."""

    items: list[ArticleWhole]


def main() -> None:
    """Entry."""
    page = json.loads(Path(sys.argv[2]).read_text())
    app = FastAPI()

    @app.get("/page", response_model=WholePage)
    async def read() -> object:
        return page

    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", loop="uvloop", http="httptools")


if __name__ == "__main__":
    main()
