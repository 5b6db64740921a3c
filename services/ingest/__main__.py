"""Entry: `python -m services.ingest`. Settings from the environment; ends by SIGTERM.

The imports stand inside, since parser processes import this file too, by the name of the main module.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run the ingest service; 2 where it is not told which database and Redis to use, 1 where one is away."""
    import asyncio
    import logging

    from services.ingest.service import main as serve
    from shared.errors import Unavailable
    from shared.observe import configure_logging
    from shared.settings import Settings

    configure_logging("ingest")
    settings = Settings()
    if not settings.database_url or not settings.redis_url:
        print("DATABASE_URL and REDIS_URL must be set; `make run` sets them", file=sys.stderr)
        return 2
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(serve(settings))
    except Unavailable as error:
        logging.getLogger(__name__).error("cannot start", extra={"reason": error.message})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
