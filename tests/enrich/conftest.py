"""What the steps read, loaded once for all their tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter

import pytest

from services.enrich.batch import Work
from services.enrich.document import Document
from services.enrich.pipeline import Resources, enrich, load_resources
from shared.db import open_pool
from tests.enrich.articles import article


@pytest.fixture(scope="session")
def resources() -> Resources:
    return load_resources("rules")


@pytest.fixture
def work(request: pytest.FixtureRequest, database_url: str, resources: Resources) -> Iterator[Work]:
    """What a worker's process works with; it is always `NOW` of the test's module."""
    now = request.module.NOW
    with open_pool(database_url, "test", size=4) as pool:
        yield Work(pool, resources, lambda: now, perf_counter)


@pytest.fixture
def enriched(resources: Resources) -> Callable[..., Document]:
    """An article given as `article()` takes it, after all steps."""

    def run(title: str = "", body: str | None = None, **given: object) -> Document:
        return enrich([article(title, body, **given)], resources, clock=perf_counter)[0]

    return run
