"""Who sends for a plugin when its function has no route out: an alias of the egress function."""

from __future__ import annotations

from typing import Final

from penstock.adapters.clients import Clients
from penstock.adapters.functions import LambdaFunctions
from penstock.egress.client import AliasTransport

# A plugin's own deadline ends a call long before; this ends what nobody waits for any more.
LONGEST_S: Final = 60.0
# Times four threads (`penstock.adapters.functions`): what one run may have under way at a time.
AT_ONCE: Final = 4


def alias_transport(clients: Clients, alias: str) -> AliasTransport:
    """What sends by `alias`, `<function>:<alias>`, the plugin's own."""
    functions = LambdaFunctions(clients, alias, AT_ONCE, LONGEST_S)
    return AliasTransport(lambda payload: functions.invoke("", payload).result(LONGEST_S))
