from __future__ import annotations

import builtins
import json
import sys
from typing import Any

import pytest

from penstock.cli.output import print_facts, print_json, print_table
from penstock.errors import ConfigurationError


def test_a_table_shows_every_cell_whole(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 150
    print_table("Title", ("one", "two"), [("[red]a[/red]", None), (["b", "c"], long)])
    out = capsys.readouterr().out
    assert out.splitlines()[0].rstrip() == "Title"
    assert "[red]a[/red]" in out
    assert "b, c" in out
    assert out.replace("\n", "").replace(" ", "").count("x") == 150


def test_an_empty_table_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Keys", ("one",), [])
    assert capsys.readouterr().out == "Keys: none\n"


def test_facts_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts({"a": 1, "long": None, "list": []})
    assert capsys.readouterr().out == "a     1\nlong  \nlist  none\n"
    print_json({"ä": 1})
    assert capsys.readouterr().out == '{\n  "ä": 1\n}\n'


def test_what_a_terminal_would_not_show_is_escaped_and_json_stays_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tricks = "\x1b[2J\x9b\u202e\u2028\ud800\U000e0041\t\u00e9\u6f22"
    print_table("Title", ("one",), [(tricks,), ([tricks],)])
    print_facts({"a": tricks})
    print_json({"a": tricks})
    out = capsys.readouterr().out
    assert out.count("\\u001b[2J\\u009b\\u202e\\u2028\\ud800\\udb40\\udc41") == 4
    assert json.loads(out[out.index("{") :]) == {"a": tricks}


def test_without_rich_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("rich"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigurationError, match=r"Install `penstock\[cli\]`"):
        print_table("Title", ("one",), [("a",)])
