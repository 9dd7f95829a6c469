from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from penstock.sdk import Plugin, PluginConfig
from penstock.sdk.stream_samples import example, patterns_of, samples


class Form(NamedTuple):
    name: str
    pattern: re.Pattern[str]


KEY = re.compile("key-[a-z]{4}")
FORMS = {"more": (Form("token", re.compile("tok-[0-9]{3,}")),)}
BYTES = re.compile(b"not text")


class Probe(Plugin):
    def prepare(self, config: PluginConfig) -> None:
        self.made = [re.compile(r"(?<=id )\d{2}")]


def probe() -> Probe:
    plugin = Probe()
    plugin.prepare(PluginConfig())
    return plugin


@pytest.mark.parametrize(
    "source",
    [
        "abc",
        "a[b-d]{2,5}x?",
        r"\d+[^\w\s]\S\D",
        "(a|b)+?c++",
        "(?P<n>[a-z]{3})-(?P=n)",
        r"(?<![A-Z])(?<=x)key\b(?!z)",
        "(?>a{2})b.",
        "[^a-y]",
        "[а-я]{3}",
        "(?i)ABC",
    ],
)
def test_an_example_is_what_the_pattern_matches(source: str) -> None:
    pattern = re.compile(source)
    for least in (0, 40):
        assert pattern.search(example(pattern, least) or "")


def test_an_example_is_as_long_as_it_is_wanted_where_it_can_be() -> None:
    assert len(example(re.compile("<k>.*?</k>"), 100) or "") >= 100
    assert example(re.compile("ab"), 100) == "ab"
    assert example(re.compile("(?!)")) is None


def test_patterns_are_found_in_modules_and_on_the_instance_once_each() -> None:
    plugin = probe()
    assert {KEY, FORMS["more"][0].pattern, plugin.made[0]}.issubset(patterns_of(plugin))
    assert len(patterns_of(plugin)) == len({id(pattern) for pattern in patterns_of(plugin)})
    assert all(isinstance(pattern.pattern, str) for pattern in patterns_of(plugin))


def test_samples_hold_examples_short_and_wider_than_the_window_with_a_window_of_prose_behind() -> None:
    texts = samples(probe(), 30)
    for pattern in (KEY, FORMS["more"][0].pattern):
        assert any(pattern.search(text) for text in texts)
    assert any(re.search("tok-[0-9]{65,}", text) for text in texts)
    assert all(re.search(r"[a-z\s]{30}\Z", text) for text in texts)


def test_a_plugin_without_patterns_has_no_samples() -> None:
    kind = type("Bare", (Plugin,), {"__module__": "nowhere"})
    assert samples(kind(), 30) == []
