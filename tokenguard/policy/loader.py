"""Reads policy files: known rules with known parameters; anything else is an error that names its place."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from tokenguard.domain.names import SEGMENT
from tokenguard.errors import InputError
from tokenguard.files import read_named
from tokenguard.mapping_reader import MappingReader
from tokenguard.policy.catalogue import CATALOGUE, MAX_CONDITION, rule_description
from tokenguard.policy.model import Override, Parameter, Policy, PolicyWaiver, Rule, RuleSelector, Severity
from tokenguard.policy.rule_parameters import read_parameter
from tokenguard.text import safe_text, suggestion

FORMAT = "1"
MAX_BYTES = 65_536
_MAX_LAYERS = 5
_HINT = "correct the policy; policies/default.yaml is a complete one"
_WORDS = ("why", "source", "fix")
_KEYS = ("format", "name", "extends", "rules", "own_rules", "overrides", "waivers")
_RULE_KEYS = ("severity", *_WORDS)
_OWN_KEYS = ("id", *_RULE_KEYS, "says", "holds", "applies")
_MATCH_KEYS = ("token", "environment", "provider", "path")
_WAIVER_KEYS = (*_MATCH_KEYS, "owner", "reason", "until")
_PARAMETERS = tuple(dict.fromkeys(name for rule in CATALOGUE.values() for name in rule.parameters))
_PACKAGED = (Path(__file__).parents[1] / "_policies", Path(__file__).parents[2] / "policies")
"""In a wheel, and in a checkout."""


Judge = Callable[[str], object]
"""Raises InputError where a condition in CEL is not acceptable; without one only its size is looked at."""


def default_policy() -> Policy:
    """The policy that comes with the package."""
    return packaged_policy("default")


@cache
def packaged_policy(name: str, *, layers: int = _MAX_LAYERS) -> Policy:
    """A policy of `policies/` by its name, read once; InputError if there is none."""
    path = _packaged_file(name)
    if path is not None:
        return load_policy(_read(path), source=path.name, layers=layers)
    raise InputError(
        f"there is no policy called {safe_text(name, one_line=True, limit=60)!r}",
        hint=f"these come with tokenguard: {', '.join(packaged_names())}; give a file as ./FILE.yaml",
    )


def packaged_names() -> list[str]:
    """The policies that come with tokenguard."""
    return sorted({path.stem for folder in _PACKAGED for path in folder.glob("*.yaml")})


def _packaged_file(name: str) -> Path | None:
    files = (folder / f"{name}.yaml" for folder in _PACKAGED if SEGMENT.fullmatch(name))
    return next((path for path in files if path.is_file()), None)


def is_file_name(text: str) -> bool:
    """Whether a policy is named by its file, and not as one that comes with tokenguard."""
    return "/" in text or text.endswith((".yaml", ".yml"))


def read_policy(path: Path, judge: Judge | None = None, *, layers: int = _MAX_LAYERS) -> Policy:
    """Read a policy file; InputError if it cannot be read or is not acceptable."""
    return load_policy(_read(path), source=path.name, layers=layers, judge=judge, beside=path.parent)


def _read(path: Path) -> bytes:
    return read_named(path, MAX_BYTES, hint="name a policy file that exists")


def load_policy(
    data: bytes,
    *,
    source: str,
    layers: int = _MAX_LAYERS,
    judge: Judge | None = None,
    beside: Path | None = None,
) -> Policy:
    """Make a policy of a YAML document.

    Args:
        data: the file's bytes.
        source: how errors name the file.
        layers: how many policies it may stand on (`extends`).
        judge: what is asked of conditions in CEL; `expression.compiled` understands them, and loads CEL.
        beside: the directory in which a file that it extends may lie; None: it may extend no file.

    Raises:
        InputError: unknown rule, unknown or missing key, a value of the wrong kind; or not plain YAML.
    """
    top = MappingReader.of_yaml(data, source=source, hint=_HINT, max_bytes=MAX_BYTES)
    top.version("format", FORMAT, _KEYS)
    name = top.text("name")
    base = _base(top, layers, judge, beside)
    if not base.rules and "rules" not in top and "own_rules" not in top:
        top.refuse("this is missing", "rules")
    rules = _rules(top.rows("rules"), base)
    rules += _own_rules(top.rows("own_rules", _OWN_KEYS), base, judge)
    known = {rule.id: rule for rule in rules}
    overrides = [_override(each, known) for each in top.rows("overrides")]
    waivers = [_waiver(each, known) for each in top.rows("waivers")]
    top.close()
    return Policy(
        name=name, rules=rules, overrides=(*base.overrides, *overrides), waivers=(*base.waivers, *waivers)
    )  # fmt: skip


def _base(top: MappingReader, layers: int, judge: Judge | None, beside: Path | None) -> Policy:
    """The policy that this one extends: one of `policies/`, or a file that lies beside it."""
    if "extends" not in top:
        return Policy(name="")
    if layers == 0:
        top.refuse("it extends too many other policies", "extends")
    name = top.text("extends")
    if is_file_name(name):
        if beside is None or "/" in name or "\\" in name or (beside / name).is_symlink():
            top.refuse("a policy can only extend a regular file in its own directory", "extends")
        return read_policy(beside / name, judge, layers=layers - 1)
    if _packaged_file(name) is None:
        top.refuse("there is no policy of that name to extend", "extends")
    return packaged_policy(name, layers=layers - 1)


def _rules(sections: Iterable[MappingReader], base: Policy) -> tuple[Rule, ...]:
    """The rules of the base, changed where this layer says so, then those that are new; in the catalogue's order."""
    inherited = {rule.id: rule for rule in base.rules}
    mine: dict[str, Rule] = {}
    for section in sections:
        kind = _known_rule(section, "id", CATALOGUE, _RULE_KEYS)
        if kind in mine:
            section.refuse("this rule is given twice", "id")
        mine[kind] = _rule(section, kind, inherited.get(kind))
        section.close()
    found = inherited | mine
    return tuple(found[kind] for kind in CATALOGUE if kind in found)


def _own_rules(sections: Iterable[MappingReader], base: Policy, judge: Judge | None) -> tuple[Rule, ...]:
    """The team's own rules of the base, those of this layer in their places or after them."""
    found = {rule.id: rule for rule in base.rules if rule.holds}
    mine = set[str]()
    for section in sections:
        rule = _own_rule(section, judge)
        if rule.id in CATALOGUE or rule.id in mine:
            section.refuse("a rule of that name exists already", "id")
        mine.add(rule.id)
        found[rule.id] = rule
    return tuple(found.values())


def _own_rule(section: MappingReader, judge: Judge | None) -> Rule:
    rule = Rule(
        id=section.segment("id"),
        severity=section.choice("severity", Severity),
        why=section.text("why"),
        source=section.text("source"),
        fix=section.text("fix"),
        says=section.text("says"),
        holds=section.text("holds", most=MAX_CONDITION),
        applies=section.text("applies", "", most=MAX_CONDITION),
    )
    from tokenguard.policy.expression import check_caps  # few policies have rules of a team's own

    for key, condition in (("applies", rule.applies), ("holds", rule.holds)):
        if condition:
            try:
                (judge or check_caps)(condition)
            except InputError as error:
                section.refuse(error.message, key, hint=error.hint)
    section.close()
    return rule


def _rule(section: MappingReader, kind: str, base: Rule | None) -> Rule:
    words = {key: section.text(key, getattr(base, key) if base else None) for key in _WORDS}
    severity = section.choice("severity", Severity) if base is None or "severity" in section else base.severity
    return Rule(id=kind, severity=severity, parameters=_parameters(section, kind, base), **words)


def _parameters(section: MappingReader, kind: str, base: Rule | None, *, some: bool = False) -> dict[str, Parameter]:
    """Those that are given over those of the base; with `some`, only those that are given."""
    found = dict(base.parameters) if base and not some else {}
    for name, sort in rule_description(kind).parameters.items():
        if name in section or (name not in found and not some):
            lacks = name not in section and name in rule_description(kind).may_lack
            found[name] = () if lacks else read_parameter(section, name, sort)
    return found


def _override(section: MappingReader, known: Mapping[str, Rule]) -> Override:
    kind = _known_rule(section, "rule", known, (*_MATCH_KEYS, "severity"))
    severity = section.choice("severity", Severity) if "severity" in section else None
    found = Override(
        rule=kind,
        match=_match(section, kind),
        severity=severity,
        parameters=_parameters(section, kind, known[kind], some=True),
    )
    section.close()
    return found


def _waiver(section: MappingReader, known: Mapping[str, Rule]) -> PolicyWaiver:
    kind = _known_rule(section.expect(("rule", *_WAIVER_KEYS)), "rule", known, _WAIVER_KEYS)
    found = PolicyWaiver(
        rule=kind,
        match=_match(section, kind),
        owner=section.segment("owner"),
        reason=section.text("reason"),
        until=section.day("until"),
    )
    section.close()
    return found


def _match(section: MappingReader, rule: str) -> RuleSelector:
    found = RuleSelector(
        token=section.text("token", "*"),
        environment=section.text("environment", ""),
        provider=section.text("provider", ""),
        path=section.text("path", ""),
    )
    of_tokens = found.token != "*" or found.environment or found.provider  # noqa: S105 - a pattern, not a value
    if rule_description(rule).repository and (of_tokens or not found.path):
        section.refuse("it does not say which files it applies to: give `path`")
    if not rule_description(rule).repository and (found.path or found == RuleSelector()):
        section.refuse("it does not say which tokens it applies to: give `token`, `environment` or `provider`")
    return found


def _known_rule(section: MappingReader, key: str, known: Mapping[str, object], keys: Iterable[str]) -> str:
    """The rule of a section, which may have `keys` and that rule's parameters."""
    if key not in section:
        section.expect((key, *keys, *_PARAMETERS))
    kind = section.text(key)
    if kind not in known:
        hint = f"{suggestion(kind, known)}{_HINT}"
        section.refuse(f"an unknown rule; known are {', '.join(known)}", key, hint=hint)
    section.expect((*keys, *rule_description(kind).parameters))
    return kind
