"""`penstock evidence verify`: is what is kept what was sealed? What it proves: docs/evidence.md, "Seals"."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from penstock.cli.arguments import name
from penstock.cli.output import print_facts, print_json, print_table
from penstock.cli.target import Target, add_target_arguments
from penstock.evidence.record import now_ms, timestamp

if TYPE_CHECKING:
    from penstock.evidence.chain import Finding, Known
    from penstock.evidence.verifying import Verified

TELL_EVERY_S = 5.0
MOST_ROWS = 100
HOUR_MS = 3_600_000
_EXPECTED = re.compile(r"([1-9][0-9]{0,7}):(sha256:[0-9a-f]{64})")


def add_verify(parser: argparse.ArgumentParser) -> None:
    """`penstock evidence verify [--org NAME] [--from HOUR] [--to HOUR] [--expect NUMBER:DIGEST]`."""
    parser.add_argument(
        "--org", type=name, help="only this organisation's evidence (the chain is read whole)"
    )
    for bound, what in (("from", "the first hour"), ("to", "the last hour")):
        parser.add_argument(
            f"--{bound}", dest=f"{bound}_ms", type=hour_ms, metavar="2026-11-22T09", help=f"{what}, UTC"
        )
    parser.add_argument(
        "--expect",
        type=expected,
        metavar="41:sha256:…",
        help="a seal that an earlier run printed and that you kept elsewhere",
    )
    add_target_arguments(parser)


def hour_ms(text: str) -> int:
    """`2026-11-22T09`, or a day for its first hour, in Unix milliseconds."""
    for form in ("%Y-%m-%dT%H", "%Y-%m-%d"):
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()) * 1000
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"{text!r} is no hour: write it as 2026-11-22T09, or 2026-11-22")


def expected(text: str) -> tuple[int, str]:
    """A seal's number and digest."""
    match = _EXPECTED.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no seal: write its number, a colon and its digest")
    return int(match[1]), match[2]


def verify(target: Target, args: argparse.Namespace) -> int:
    """Print what is found; 1 when anything is not as it was sealed."""
    from penstock.evidence.verifying import Window, verify

    window = Window(args.org, args.from_ms or 0, 2**53 if args.to_ms is None else args.to_ms)
    verified = verify(target.objects, _known(target, args), window, now_ms(), _telling())
    if args.json:
        print_json(_tree(verified))
    else:
        _show(verified)
    return 0 if verified.is_sound else 1


def _known(target: Target, args: argparse.Namespace) -> list[Known]:
    from penstock.evidence.chain import Known

    note = target.seal_notes.latest()
    known = [Known(note.number, note.digest, "the ledger")] if note else []
    if args.expect:
        number, digest = args.expect
        known.append(Known(number, digest, "--expect"))
    return known


def _telling(clock: Callable[[], float] = time.monotonic) -> Callable[[str], None]:
    """Progress on stderr, every few seconds."""
    told_s = clock()

    def tell(text: str) -> None:
        nonlocal told_s
        if clock() - told_s >= TELL_EVERY_S:
            told_s = clock()
            print(text, file=sys.stderr, flush=True)

    return tell


def _show(verified: Verified) -> None:
    findings = sorted(verified.findings, key=lambda finding: (not finding.is_fault, finding.kind))
    rows = [_row(finding) for finding in findings[:MOST_ROWS]]
    print_table("Findings", ("what", "where", "why"), rows)
    if len(findings) > MOST_ROWS:
        print(f"and {len(findings) - MOST_ROWS} more: --json prints all of them")
    print_facts(_facts(verified))
    if verified.is_sound:
        print(f"Keep it elsewhere for the next time: --expect {verified.head.number}:{verified.head.digest}")


def _row(finding: Finding) -> tuple[str, str, str]:
    return finding.kind.replace("_", " "), finding.key, finding.said


def _facts(verified: Verified) -> dict[str, object]:
    counts = Counter(finding.kind.replace("_", " ") for finding in verified.findings)
    through_ms = verified.head.through_ms
    return {
        "Sound": "yes" if verified.is_sound else "NO",
        "Seals": verified.seals,
        "Inventories read": verified.inventories,
        "Objects read": verified.objects,
        "Sealed until": None if through_ms is None else timestamp(through_ms + HOUR_MS),
        "Findings": [f"{count} {kind}" for kind, count in sorted(counts.items())] or "none",
    }


def _tree(verified: Verified) -> dict[str, Any]:
    through_ms = verified.head.through_ms
    return {
        "sound": verified.is_sound,
        "seal": verified.head.number,
        "digest": verified.head.digest,
        "sealed_until": None if through_ms is None else timestamp(through_ms + HOUR_MS),
        "seals": verified.seals,
        "inventories": verified.inventories,
        "objects": verified.objects,
        "findings": [
            {"kind": found.kind, "key": found.key, "why": found.said, "fault": found.is_fault}
            for found in verified.findings
        ],
    }
