"""Names in gateway.toml that stand for other stanzas: each must be there, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from penstock.configuration.reading import Source, meant
from penstock.configuration.toml_lines import Path as KeyPath


@dataclass(frozen=True, slots=True)
class _Reference:
    key: KeyPath
    kind: str
    name: str


def check_references(source: Source) -> None:
    """Raises ConfigurationError for a name given twice and for one that nothing has."""
    _check_unique(source)
    known = {kind: {item.id for item in getattr(source.file, kind)} for kind in _KINDS}
    for reference in _references(source):
        if reference.name not in known[reference.kind]:
            raise source.error(
                reference.key,
                f"there is no {reference.kind} {reference.name!r}.",
                meant(reference.name, known[reference.kind]),
            )
    _check_membership(source)


_KINDS = ("organisation", "team", "user", "provider", "model")


def _check_unique(source: Source) -> None:
    for kind in (*_KINDS, "plugin"):
        seen: set[str] = set()
        for index, item in enumerate(getattr(source.file, kind)):
            name = item.name if kind == "plugin" else item.id
            if name in seen:
                raise source.error((kind, index), f"{name!r} is there twice.", "Remove or rename one.")
            seen.add(name)


def _references(source: Source) -> Iterator[_Reference]:
    file = source.file
    for index, team in enumerate(file.team):
        yield _Reference(("team", index, "organisation"), "organisation", team.organisation)
    for index, user in enumerate(file.user):
        yield _Reference(("user", index, "organisation"), "organisation", user.organisation)
        if user.team:
            yield _Reference(("user", index, "team"), "team", user.team)
    for index, model in enumerate(file.model):
        yield _Reference(("model", index, "provider"), "provider", model.provider)
    for index, grant in enumerate(file.grant):
        yield from _each(("grant", index, "models"), "model", grant.models)
        yield from _each(("grant", index, "users"), "user", grant.users)
        yield from _each(("grant", index, "teams"), "team", grant.teams)
        yield from _each(("grant", index, "organisations"), "organisation", grant.organisations)


def _each(key: KeyPath, kind: str, names: Iterable[str]) -> Iterator[_Reference]:
    for name in names:
        yield _Reference(key, kind, name)


def _check_membership(source: Source) -> None:
    """A user's team is a team of the user's organisation."""
    homes = {team.id: team.organisation for team in source.file.team}
    for index, user in enumerate(source.file.user):
        if user.team and homes[user.team] != user.organisation:
            problem = f"team {user.team!r} belongs to organisation {homes[user.team]!r}."
            raise source.error(("user", index, "team"), problem)
