"""`make flame`: draws where the CPU time of one request goes, as docs/pictures/flame.svg.

The request passes 5 plugins at each gate, with 4 KB each way, in memory. A box is a function, as wide as the
time in it and in what it calls, which stands below it. What is narrower than a 250th is left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Final
from xml.sax.saxutils import escape

from bench import bodies, sampling, world
from bench.probes import Look
from bench.sampling import Stack
from penstock.gateway.gateway import Gateway

PICTURE: Final = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "flame.svg"
ROOT: Final = Gateway.handle.__code__
WIDTH: Final = 1200
ROW: Final = 17
TOP: Final = 64
CHAR: Final = 6.1  # of the font below, on average
NARROWEST: Final = 1 / 250
# By what a function belongs to; the last matches everything else.
COLOURS: Final = {
    "penstock/gateway": "#9ecae1",
    "penstock/gates": "#fdae6b",
    "penstock/evidence": "#a1d99b",
    "penstock/dialects": "#bcbddc",
    "penstock/sdk": "#fdd0a2",
    "penstock/governance": "#c7e9c0",
    "bench": "#e7cb94",
    "": "#d9d9d9",
}
NAMES: Final = {"bench": "measured plugins", "": "Python's library"}


@dataclass
class Box:
    """A function as called from those above it: samples in it and below it."""

    name: str
    colour: str
    samples: int = 0
    below: dict[str, Box] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make flame", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of CPU time to look at")
    parser.add_argument("--plugins", type=int, default=5, help="how many at each gate")
    options = parser.parse_args()
    answer, body = bodies.completion(4096), bodies.request(world.MODEL, 4096)
    call = world.World(world.probes(options.plugins, Look), answer).call(body)
    for _ in range(200):
        call()
    stacks, each_us = sampling.sampled(call, options.seconds)
    count = options.plugins
    title = f"One request past {count}+{count} plugins, 4 KB each way: {each_us:,.0f} µs of CPU"
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(boxes(stacks), title, each_us), encoding="utf-8")
    sys.stdout.write(f"{PICTURE}: {sum(stacks.values())} samples\n")


def boxes(stacks: Mapping[Stack, int]) -> Box:
    """All stacks that go through the gateway, as one tree from `Gateway.handle` down."""
    root = Box("Gateway.handle", COLOURS["penstock/gateway"])
    for stack, samples in stacks.items():
        if ROOT in stack:
            box = root
            box.samples += samples
            for code in stack[stack.index(ROOT) + 1 :]:
                box = box.below.setdefault(code.co_qualname, Box(_name(code), _colour(code)))
                box.samples += samples
    return root


def picture(root: Box, title: str, each_us: float) -> str:
    """The tree as SVG, the root on top."""
    scale_us = each_us / max(1, root.samples)
    drawn = list(_drawn(root, 0.0, 0, WIDTH / max(1, root.samples), scale_us))
    height = TOP + ROW * (1 + max(depth for depth, _ in drawn))
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
            '<rect width="100%" height="100%" fill="#fff"/>',
            f'<text x="8" y="20" font-size="15">{escape(title)}</text>',
            *_legend(),
            *(text for _, text in drawn),
            "</svg>",
            "",
        )
    )


def _drawn(box: Box, x: float, depth: int, unit: float, scale_us: float) -> Iterator[tuple[int, str]]:
    width = box.samples * unit
    if width < WIDTH * NARROWEST:
        return
    us = f"{box.samples * scale_us:,.0f} µs"
    y = TOP + ROW * depth
    label = _fitting(box.name, us, int((width - 6) / CHAR))
    shown = f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(label)}</text>' if label else ""
    place = f'x="{x:.1f}" y="{y}" width="{max(0.5, width - 0.5):.1f}" height="{ROW - 1}"'
    filled = f'<rect {place} fill="{box.colour}"/>'
    yield depth, f"<g><title>{escape(box.name)}: {us}</title>{filled}{shown}</g>"
    for below in sorted(box.below.values(), key=lambda b: -b.samples):
        yield from _drawn(below, x, depth + 1, unit, scale_us)
        x += below.samples * unit


def _fitting(name: str, us: str, chars: int) -> str:
    """As much of a label as there is room for, the end of a name before its beginning."""
    last = name.rpartition(".")[2]
    labels = (f"{name} {us}", name, last, last[:chars] if chars > 3 else "")
    return next(label for label in labels if len(label) <= chars or not label)


def _legend() -> Iterator[str]:
    for number, (prefix, colour) in enumerate(COLOURS.items()):
        x = 8 + 148 * number
        yield f'<rect x="{x}" y="34" width="10" height="10" fill="{colour}"/>'
        yield f'<text x="{x + 14}" y="43">{escape(NAMES.get(prefix, prefix))}</text>'


def _name(code: CodeType) -> str:
    made = code.co_qualname.replace("<locals>.", "")
    return made.replace("__create_fn__.__init__", "a dataclass's __init__")


def _colour(code: CodeType) -> str:
    return next(colour for prefix, colour in COLOURS.items() if f"/{prefix}".rstrip("/") in code.co_filename)


if __name__ == "__main__":
    main()
