"""`penstock keys`: API keys. A secret is printed once, when it is made, and stored nowhere."""

from __future__ import annotations

import argparse
import ipaddress
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from penstock.cli.arguments import duration_s, name
from penstock.cli.output import print_facts, print_json, print_table
from penstock.cli.target import add_target_arguments, find_target

if TYPE_CHECKING:
    from penstock.governance.api_keys import ApiKey, ApiKeys


def add_parser(subparsers: Any) -> None:
    """`penstock keys create|list|show|rotate|revoke`."""
    parser: argparse.ArgumentParser = subparsers.add_parser("keys", help="create and end API keys")
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    _add_create(actions.add_parser("create", help="make a key and print its secret, once"))
    add_target_arguments(actions.add_parser("list", help="all keys, ended ones too"))
    for action, what in (
        ("show", "one key, without its secret"),
        ("rotate", "give a key a new secret; its grants stay"),
        ("revoke", "end a key for good"),
    ):
        one = actions.add_parser(action, help=what)
        one.add_argument("id", type=name)
        add_target_arguments(one)
        if action == "rotate":
            one.add_argument(
                "--grace",
                type=duration_s,
                default=0,
                metavar="1h",
                help="how long the old secret still works",
            )


def run(args: argparse.Namespace) -> int:
    """Do what `args.action` says."""
    from penstock.governance.api_keys import ApiKeys

    keys = ApiKeys(find_target(args).control)
    now_s = int(time.time())
    _ACTIONS[args.action](keys, args, now_s)
    return 0


def _add_create(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=name, help="what scopes, grants and evidence call the key")
    parser.add_argument("--organisation", type=name, required=True)
    parser.add_argument("--team", type=name)
    parser.add_argument("--user", type=name)
    parser.add_argument(
        "--tenant", type=name, action="append", default=[], help="may be given more than once"
    )
    parser.add_argument(
        "--address", type=_network, action="append", default=[], help="network that it may be used from"
    )
    parser.add_argument("--expires", type=duration_s, metavar="90d", help="default: it does not expire")
    add_target_arguments(parser)


def _create(keys: ApiKeys, args: argparse.Namespace, now_s: int) -> None:
    from penstock.governance.api_keys import KeyOwner

    owner = KeyOwner(args.organisation, args.team, args.user, tuple(args.tenant), tuple(args.address))
    expires_at_s = None if args.expires is None else now_s + args.expires
    _reveal(args, keys.create(args.id, owner, now_s, expires_at_s))


def _rotate(keys: ApiKeys, args: argparse.Namespace, now_s: int) -> None:
    _reveal(args, keys.rotate(args.id, now_s, args.grace))


def _revoke(keys: ApiKeys, args: argparse.Namespace, now_s: int) -> None:
    _print_key(keys.revoke(args.id, now_s), now_s, as_json=args.json)


def _show(keys: ApiKeys, args: argparse.Namespace, now_s: int) -> None:
    _print_key(keys.show(args.id), now_s, as_json=args.json)


def _list(keys: ApiKeys, args: argparse.Namespace, now_s: int) -> None:
    facts = [_facts(key, now_s) for key in keys.list()]
    if args.json:
        print_json(facts)
        return
    columns = ("api_key", "type", "organisation", "team", "user", "tenants", "state", "expires")
    print_table("API keys", columns, [[fact[column] for column in columns] for fact in facts])


def _reveal(args: argparse.Namespace, secret: str) -> None:
    if args.json:
        print_json({"api_key": args.id, "secret": secret})
        return
    print_facts({"API key": args.id, "Secret": secret})
    print(
        "The secret is shown this once. It opens what is granted to the key, its user, team or organisation."
    )


def _print_key(key: ApiKey, now_s: int, *, as_json: bool) -> None:
    facts = _facts(key, now_s)
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)


def _facts(key: ApiKey, now_s: int) -> dict[str, Any]:
    """What may be shown of a key; neither the secret nor its hash."""
    return {
        "api_key": key.name,
        "type": key.owner.type,
        "organisation": key.owner.organisation,
        "team": key.owner.team,
        "user": key.owner.user,
        "tenants": list(key.owner.tenants),
        "addresses": list(key.owner.addresses),
        "state": key.state(now_s),
        "created": _time(key.created_at_s),
        "expires": _time(key.expires_at_s),
        "rotated": _time(key.rotated_at_s),
        "revoked": _time(key.revoked_at_s),
    }


def _time(unix_s: int | None) -> str | None:
    return None if unix_s is None else datetime.fromtimestamp(unix_s, UTC).isoformat().replace("+00:00", "Z")


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no network, as 10.0.0.0/8") from None


_ACTIONS = {"create": _create, "list": _list, "show": _show, "rotate": _rotate, "revoke": _revoke}
