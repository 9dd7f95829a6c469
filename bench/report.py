"""What a run found, as JSON for comparing and as Markdown for reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bench.asset import DIRECT_LIMIT_BYTES, LIMIT_BYTES

MB: Final = 1024 * 1024


def markdown(result: Mapping[str, Any]) -> str:
    """Every table of one run, or the one that it has."""
    machine = result["machine"]
    on = f"{machine['system']}, {machine['cores']} cores, Python {machine['python']}, load {machine['load']}"
    lines = [f"# Bench of {result['commit']}, {result['date']}", ""]
    lines += [f"{on} at the start. One interleaved run; times in µs unless said otherwise."]
    if "handler" in result:
        lines += _measured(result)
    if "side_by_side" in result:
        lines += ["", "## Five plugins in functions of their own, wall time in ms, median", ""]
        lines += _side_by_side(result["side_by_side"])
    return "\n".join([*lines, ""])


def _measured(result: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for size, found in result["handler"].items():
        lines += [
            "",
            f"## The handler in memory, {int(size):,} bytes each way",
            "",
            *_rows(found["rows"], "direct"),
        ]
        lines += ["", *_derived(found["derived"])]
    lines += ["", "## Every door in memory, 4 KB each way, CPU", "", *_doors(result["doors"])]
    for chars, rows in result["streams"].items():
        lines += ["", f"## Streams in memory, {int(chars):,} characters", "", *_streams(rows)]
    lines += ["", "## Streams over HTTP, an event every 5 ms, 400 characters", "", *_paced(result["paced"])]
    lines += ["", "## What the adapters add, no plugins, 4 KB", "", *_rows(result["adapters"], "in memory")]
    return [*lines, "", *_startup(result["startup"])]


def _side_by_side(row: Mapping[str, float]) -> Iterator[str]:
    yield f"Each waits as long as its name says; load {row['load']} when it began."
    yield from ("", f"| {' | '.join(name for name in row if name != 'load')} |")
    yield "|---" * (len(row) - 1) + "|"
    yield f"| {' | '.join(f'{value:,}' for name, value in row.items() if name != 'load')} |"


def _rows(rows: Mapping[str, Mapping[str, float]], base: str) -> Iterator[str]:
    yield f"| | CPU median | CPU, least disturbed tenth | wall median | wall p90 | CPU over {base} |"
    yield "|---|---|---|---|---|---|"
    for name, row in rows.items():
        numbers = (row["cpu_us"], row["cpu_p10_us"], row["wall_us"], row["wall_p90_us"])
        over = row["cpu_us"] - rows[base]["cpu_us"]
        yield f"| {name} | " + " | ".join(f"{number:,.0f}" for number in (*numbers, over)) + " |"


def _derived(derived: Mapping[str, float]) -> Iterator[str]:
    yield "| CPU | median | least disturbed tenth |"
    yield "|---|---|---|"
    for name, value in derived.items():
        if not name.endswith("_p10"):
            yield f"| {name.replace('_', ' ')} | {value:,.1f} | {derived[f'{name}_p10']:,.1f} |"


def _doors(doors: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterator[str]:
    yield "| | direct | no plugin over direct | 5+5 over direct | least disturbed tenth | added by 5+5 |"
    yield "|---|---|---|---|---|---|"
    for door, rows in doors.items():
        direct, none, five = (rows[name] for name in ("direct", "0+0", "5+5"))
        numbers = [direct["cpu_us"]]
        numbers += [row["cpu_us"] - direct["cpu_us"] for row in (none, five)]
        numbers += [five["cpu_p10_us"] - direct["cpu_p10_us"], five["cpu_us"] - none["cpu_us"]]
        yield f"| {door} | " + " | ".join(f"{number:,.0f}" for number in numbers) + " |"


def _streams(rows: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield "| | CPU per 1,000 characters, median | least disturbed tenth | CPU of all | wall of all |"
    yield "|---|---|---|---|---|"
    for name, row in rows.items():
        numbers = (row["cpu_us_per_1000"], row["cpu_p10_us_per_1000"], row["cpu_us"], row["wall_us"])
        yield f"| {name} | " + " | ".join(f"{number:,.0f}" for number in numbers) + " |"


def _paced(rows: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield "| median | first byte | least disturbed tenth | over direct | first words | all | CPU |"
    yield "|---|---|---|---|---|---|---|"
    for name, row in rows.items():
        over = row["first_byte_p10_us"] - rows["direct"]["first_byte_p10_us"]
        first = (row["first_byte_us"], row["first_byte_p10_us"], over)
        numbers = (*first, row["first_words_us"], row["wall_us"], row["cpu_us"])
        yield f"| {name} | " + " | ".join(f"{number:,.0f}" for number in numbers) + " |"


def _startup(startup: Mapping[str, Any]) -> Iterator[str]:
    yield f"## Start-up of the synthesised asset, {startup['starts']} fresh processes of each kind, in ms"
    yield from ("", "| until | wall, median | CPU, median | CPU, least |", "|---|---|---|---|")
    for stage, times in startup["stages"].items():
        numbers = (times["wall_ms"], times["cpu_ms"], times["least_cpu_ms"])
        yield f"| {stage.replace('_', ' ')} | " + " | ".join(f"{number:,.0f}" for number in numbers) + " |"
    yield from ("", "| imports of | own ms (`-X importtime`) |", "|---|---|")
    for package, ms in startup["imports_ms"].items():
        yield f"| {package} | {ms:,.1f} |"
    yield from _sizes(startup["sizes"])
    took = startup["synthesis"]
    yield f"The synthesis (`python app.py`) took {took['wall_s']} s, {took['cpu_s']} s of CPU."


def _sizes(sizes: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Every part of the gateway's function beside what Lambda takes."""
    total = {key: sum(size[key] for size in sizes.values()) for key in ("zip", "unpacked", "compiled")}
    yield from ("", "## Size of the gateway's function, MB", "")
    yield from ("| | zip | unpacked | of that compiled |", "|---|---|---|---|")
    for name, size in {**sizes, "all": total}.items():
        numbers = (size["zip"], size["unpacked"], size["compiled"])
        yield f"| {name} | " + " | ".join(f"{number / MB:,.1f}" for number in numbers) + " |"
    yield f"| limit | {DIRECT_LIMIT_BYTES / MB:,.0f}, unless by S3 | {LIMIT_BYTES / MB:,.0f} | |"
    yield ""
