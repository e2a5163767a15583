"""Commands `plugin list` and `plugin test`: what other packages bring, and whether it keeps its contract."""

from ssmttm import plugins
from ssmttm.contracts.checks import failures
from ssmttm.errors import UserError
from ssmttm.given import parse_spec
from ssmttm.plugins import KINDS, Plugin


def listing() -> str:
    """A line for each plug-in of another package."""
    lines = [f"{plugin.kind:14}{plugin.name:20}{plugin.origin}{_hindrance(plugin)}" for plugin in _others()]
    groups = ", ".join(f"ssmttm.{kind}" for kind in KINDS)
    return "\n".join(lines) or f"no installed package brings a plug-in: none has entry points in {groups}"


def tested(names: list[str], settings: str | None) -> tuple[str, bool]:
    """What the tests of the plug-ins `names` say, or of all of other packages, and whether none is broken.

    Raises UserError for a name that there is not, or that several kinds have.
    """
    given = None if settings is None else parse_spec(settings, "--settings")
    chosen = [_chosen(name) for name in names] or [(plugin.kind, plugin.name) for plugin in _others()]
    if not chosen:
        raise UserError(listing())
    lines, broken = [], 0
    for kind, name in dict.fromkeys(chosen):
        lines.append(f"{kind}:{name}")
        for hindrance in [h for p in plugins.installed(kind) if p.name == name and (h := _hindrance(p))]:
            lines.append(f"  BROKEN  test_its_name_is_free{hindrance}")
            broken += 1
        if len([p for p in plugins.installed(kind) if p.name == name]) > 1:
            continue  # of which none can be loaded
        for check, told in failures(kind, name, given):
            lines.append(f"  {'ok      ' if told is None else 'BROKEN  '}{check}" + (f": {told}" if told else ""))
            broken += told is not None
    lines.append(f"broken: {broken} of these tests" if broken else "all contracts are kept")
    return "\n".join(lines), not broken


def _others() -> list[Plugin]:
    return [plugin for kind in KINDS for plugin in plugins.installed(kind)]


def _hindrance(plugin: Plugin) -> str:
    """What keeps a plug-in from being used under its name, after a colon."""
    others = [p.origin for p in plugins.installed(plugin.kind) if p.name == plugin.name and p != plugin]
    if plugin.name in plugins.names(KINDS[plugin.kind].package):
        return f": the name of one of ours, which is taken instead; {plugin.distribution} should rename it"
    if not plugins.usable(plugin.name):
        return ": no name for a plug-in, which has small letters, digits and _, a letter first"
    return f": {' and '.join(others)} brings the same name; uninstall one of them" if others else ""


def _chosen(text: str) -> tuple[str, str]:
    """Kind and name of a plug-in that is named on the command line."""
    kind, colon, name = text.partition(":")
    if colon and kind not in KINDS:
        raise UserError(f"{text}: there is no kind {kind!r}; there are {', '.join(KINDS)}")
    kinds = [kind] if colon else [k for k in KINDS if text in {plugin.name for plugin in plugins.installed(k)}]
    name = name if colon else text
    if len(kinds) > 1:
        raise UserError(f"{text}: {' and '.join(kinds)} have one of that name; write {kinds[0]}:{text}")
    if not kinds or not any(name in (*plugins.known(k), *(p.name for p in plugins.installed(k))) for k in kinds):
        there = ", ".join(f"{k}:{n}" for k in ([kind] if colon else KINDS) for n in plugins.known(k))
        raise UserError(f"{text}: no such plug-in; there are {there}")
    return kinds[0], name
