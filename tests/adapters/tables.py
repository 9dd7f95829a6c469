"""Makes the tables of `penstock.adapters.keys` for the tests of single ports."""

from __future__ import annotations

from penstock.adapters.clients import Clients
from penstock.adapters.keys import Table
from penstock.adapters.provision import create_table


def made(clients: Clients, table: Table) -> str:
    create_table(clients, table, table.name)
    return table.name
