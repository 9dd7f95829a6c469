"""E-mail on this machine: taken by the local SES, kept as long as it runs, never sent."""

from __future__ import annotations

from penstock.adapters.clients import Clients
from penstock.adapters.provision import verify_sender
from penstock.configuration.snapshot import Snapshot


def take_mail(clients: Clients, snapshot: Snapshot) -> tuple[str, ...]:
    """Have SES take what plugins send from their addresses; a line that says where it can be read."""
    senders = {plugin.email_from for plugin in snapshot.plugins.values() if plugin.email_from}
    for address in sorted(senders):
        verify_sender(clients, address)
    page = f"{clients.sesv2.meta.endpoint_url}/moto-api/data.json" if senders else ""
    return (f"e-mail of plugins stays here: {page}, under ses.Message.",) if senders else ()
