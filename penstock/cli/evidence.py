"""`penstock evidence`: what is kept of one request, and of the latest ones.

    penstock evidence show ID [--since 24h] [--json]
    penstock evidence tail [--last N] [--outcome blocked] [--since 24h] [--follow] [--json]
    penstock evidence redrive [--json]
    penstock evidence verify [--org NAME] [--from HOUR] [--to HOUR] [--expect NUMBER:DIGEST] [--json]

ID is the gateway's own (`X-Request-Id` of every response), or the one that the caller sent. The latter is
kept as an HMAC only: finding it takes the evidence key and reads every record of `--since`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, get_args

from penstock.cli.arguments import duration_s
from penstock.cli.evidence_tables import print_evidence, summary
from penstock.cli.evidence_verify import add_verify, verify
from penstock.cli.output import print_facts, print_json
from penstock.cli.target import Target, add_target_arguments, find_target
from penstock.evidence.encoding import encode
from penstock.evidence.reading import EvidenceReader, Known, RequestEvidence, is_ours
from penstock.evidence.record import Outcome, now_ms

if TYPE_CHECKING:
    from penstock.evidence.digests import DigestKey

HOUR_MS = 3_600_000
FOLLOW_EVERY_S = 1.0


def add_parser(subparsers: Any) -> None:
    """`penstock evidence show|tail|redrive|verify`."""
    parser: argparse.ArgumentParser = subparsers.add_parser("evidence", help="what is kept of requests")
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    shown = actions.add_parser("show", help="everything of one request")
    shown.add_argument("id", help="the gateway's request id, or the caller's own")
    listed = actions.add_parser("tail", help="the latest requests")
    listed.add_argument("--last", type=int, default=20, metavar="N", help="how many (default: 20)")
    listed.add_argument("--outcome", choices=get_args(Outcome), help="only those that ended so")
    listed.add_argument("--follow", action="store_true", help="go on with new ones until Ctrl-C")
    add_target_arguments(actions.add_parser("redrive", help="send the recorder its dead letters again"))
    add_verify(actions.add_parser("verify", help="is what is kept what was sealed?"))
    for action in (shown, listed):
        action.add_argument(
            "--since",
            type=duration_s,
            default="24h",
            metavar="24h",
            help="how far back to look (default: 24h)",
        )
        add_target_arguments(action)


def run(args: argparse.Namespace) -> int:
    """Do what `args.action` says; 1 when there is no such request."""
    target = find_target(args)
    if args.action == "redrive":
        return redrive(target, args)
    if args.action == "verify":
        return verify(target, args)
    reader = EvidenceReader(target.objects)
    if args.action == "tail":
        return tail(reader, args)
    return show(reader, args, lambda: _digest_key(target))


def redrive(target: Target, args: argparse.Namespace) -> int:
    """Send the outbox what is among its dead letters."""
    from penstock.adapters import queues

    outbox = target.resources.outbox
    facts = {"sent_again": queues.redrive(target.queues, outbox.dead_url, outbox.url)}
    if args.json:
        print_json(facts)
    else:
        print_facts(facts)
    return 0


def show(reader: EvidenceReader, args: argparse.Namespace, key: Callable[[], DigestKey]) -> int:
    """Print all that is kept of one request; 1 when there is nothing."""
    found = list(_found(reader, args, key))
    if not found:
        print(_nothing(args), file=sys.stderr)
        return 1
    for evidence in found:
        if args.json:
            print_json(evidence.as_json())
        else:
            print_evidence(evidence)
    return 0


def tail(
    reader: EvidenceReader,
    args: argparse.Namespace,
    clock_ms: Callable[[], int] = now_ms,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Print the latest requests, oldest first; with `--follow` go on until Ctrl-C."""
    began_ms = clock_ms()
    found = reader.latest(began_ms - args.since * 1000, began_ms, set())
    wanted = (known for known in found if _is_wanted(known, args))
    for known in reversed(list(islice(wanted, args.last))):
        _print_line(known, args)
    if args.follow:
        try:
            _follow(reader, args, began_ms, clock_ms, sleep)
        except KeyboardInterrupt:
            return 0
    return 0


def _digest_key(target: Target) -> DigestKey:
    from penstock.adapters.secrets import decode_digest_key

    return decode_digest_key(target.secrets.get(target.resources.evidence_key_secret))


def _found(
    reader: EvidenceReader, args: argparse.Namespace, key: Callable[[], DigestKey]
) -> Iterator[RequestEvidence]:
    if is_ours(args.id):
        found = reader.find(args.id)
        if found is not None:
            yield found
            return
    last_ms = now_ms()
    yield from reader.find_by_client_id(args.id, key(), last_ms - args.since * 1000, last_ms)


def _nothing(args: argparse.Namespace) -> str:
    hours = args.since / 3600
    return (
        f"No evidence of {args.id!r}: neither as a request id of the gateway, nor as a caller's own id in the"
        f" last {hours:g} hours. One of a moment ago may still be in the outbox; --since looks further back."
    )


def _follow(
    reader: EvidenceReader,
    args: argparse.Namespace,
    began_ms: int,
    clock_ms: Callable[[], int],
    sleep: Callable[[float], None],
) -> None:
    """Print what was stored since. A record can come late, so the hour before is looked at as well."""
    seen = set(reader.latest_keys(began_ms - HOUR_MS, began_ms))
    while True:
        sleep(FOLLOW_EVERY_S)
        last_ms = clock_ms()
        new = [known for known in reader.latest(last_ms - HOUR_MS, last_ms, seen) if _is_wanted(known, args)]
        for known in reversed(new):
            _print_line(known, args)


def _is_wanted(known: Known, args: argparse.Namespace) -> bool:
    return args.outcome is None or known.record.outcome == args.outcome


def _print_line(known: Known, args: argparse.Namespace) -> None:
    line = encode(known.record).decode() if args.json else summary(known.record, is_amended=known.is_amended)
    print(line, flush=True)
