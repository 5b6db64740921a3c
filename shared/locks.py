"""Every advisory lock Wiredesk takes in PostgreSQL, in one place: two with one number would stop each other."""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class Lock(IntEnum):
    """The number of each lock. The high half spells `WD`, to stay clear of other software in the same database."""

    MIGRATE = 0x57440001  # one migrator at a time, whatever the number of replicas starting
    LOG = 0x57440002  # held from taking a position to the commit
    RELAY = 0x57440003  # held by the one relay that leads
    SWEEP = 0x57440004  # held by the one ingest replica that sweeps
    FIRST_KEY = 0x57440005  # one API process makes the first key
    IDENTITY = 0x57440006  # held while a worker decides which keys of entities are one
