from __future__ import annotations

from penstock.configuration.toml_lines import line_of, lines_by_path

TEXT = '''\
top = 1
[deployment]
name = "x"
gate_budget_ms = { before_upstream = 1 }
text = """
name = "not a key"
"""

[[plugin]]   # the first
name = "a"
evidence.durability = "log"
[plugin.grant.before_upstream]
reads = [
  "one",
]
[plugin.grant]
hosts = []
[[plugin]]
"name" = "b"
[plugin.grant.before_upstream]
effects = []
'''


def test_every_key_has_the_line_in_which_it_stands() -> None:
    assert lines_by_path(TEXT) == {
        ("top",): 1,
        ("deployment",): 2,
        ("deployment", "name"): 3,
        ("deployment", "gate_budget_ms"): 4,
        ("deployment", "text"): 5,
        ("plugin", 0): 9,
        ("plugin", 0, "name"): 10,
        ("plugin", 0, "evidence"): 11,
        ("plugin", 0, "evidence", "durability"): 11,
        ("plugin", 0, "grant", "before_upstream"): 12,
        ("plugin", 0, "grant", "before_upstream", "reads"): 13,
        ("plugin", 0, "grant"): 16,
        ("plugin", 0, "grant", "hosts"): 17,
        ("plugin", 1): 18,
        ("plugin", 1, "name"): 19,
        ("plugin", 1, "grant", "before_upstream"): 20,
        ("plugin", 1, "grant", "before_upstream", "effects"): 21,
    }


def test_what_has_no_line_has_that_of_what_is_around_it() -> None:
    lines = lines_by_path(TEXT)
    assert line_of(("deployment", "gate_budget_ms", "before_upstream"), lines) == 4
    assert line_of(("plugin", 1, "path"), lines) == 18
    assert line_of(("nothing",), lines) is None
