"""What a repository's `.tokenguard.toml` asks for beyond the organisation's policy, and what scans leave out there."""

from collections.abc import Iterator, Mapping, Sequence

from tokenguard.domain.profile import Profile
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen, replace
from tokenguard.mapping_reader import DocumentPositions, MappingReader
from tokenguard.policy.catalogue import CATALOGUE
from tokenguard.policy.compare_strictness import loosens, more_severe, stricter_of_both
from tokenguard.policy.model import Override, Parameter, Policy, Rule, Severity
from tokenguard.policy.rule_parameters import read_parameter
from tokenguard.policy.toml_tree import line_of, load_toml
from tokenguard.text import safe_text

FILE_NAME = ".tokenguard.toml"
MAX_BYTES = 16_384
_MAX_PRAGMAS = 1_000_000
_MAX_PATTERNS = 100
_HINT = "a repository may make rules stricter, and narrow its scans with `exclude` and `disable`; see docs/scanning.md"


class ScanDemands(Frozen, frozen=True, kw_only=True):
    """`[scan]`: what every scan of the repository must do."""

    strict: bool = False
    """Anything that was not scanned is a failure."""
    require_own: bool = False
    """A scan that cannot look for the team's own tokens is a failure."""
    max_pragmas: int | None = None
    """So many lines may be silenced by an `allowlist secret` comment; None: any number."""
    profile: Profile = Profile.DEFAULT
    """At least this much is reported."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths in which only the team's own tokens are searched for."""
    disable: tuple[str, ...] = ()
    """Kinds of findings that are not reported."""


class RuleOverride(Frozen, frozen=True, kw_only=True):
    """`[policy.rules.ID]`: more than the policy asks for."""

    rule: str
    severity: Severity | None
    parameters: Mapping[str, Parameter]
    place: str
    """`source:line`, for the error if it turns out to ask for less."""


class Tightening(Frozen, frozen=True, kw_only=True):
    """Everything that one repository adds. Without its file it adds nothing."""

    scan: ScanDemands = ScanDemands()
    fail_on: Severity | None = None
    """`check` fails from this severity on, if it would not fail from a lesser one on anyway."""
    rules: tuple[RuleOverride, ...] = ()

    def failing(self, given: Severity = Severity.ERROR) -> Severity:
        """From which severity on a check fails: as it was asked for, and at least as the repository asks for."""
        return given if self.fail_on is None or more_severe(given, self.fail_on) is self.fail_on else self.fail_on


def read_tightening(data: bytes, *, source: str = FILE_NAME) -> Tightening:
    """Read a `.tokenguard.toml`.

    Raises:
        InputError: not TOML, a key that is not known, or one that switches something off; with `source:line:`.
    """
    source = safe_text(source, one_line=True, limit=200)
    text, tree = load_toml(data, source=source, max_bytes=MAX_BYTES)

    def locate(path: Sequence[str | int]) -> str:
        return f"{source}:{line_of(text, path)}"

    top = MappingReader(tree, DocumentPositions(locate, _HINT))
    scan = top.within("scan")
    demands = ScanDemands() if scan is None else _scan(scan)
    policy = top.within("policy")
    fail_on: Severity | None = None
    rules: tuple[RuleOverride, ...] = ()
    if policy is not None:
        fail_on = _severity(policy, "fail_on")
        rules = tuple(_rules(policy))
        policy.close()
    top.close()
    return Tightening(scan=demands, fail_on=fail_on, rules=rules)


def _scan(section: MappingReader) -> ScanDemands:
    found = ScanDemands(
        strict=_switched_on(section, "strict"),
        require_own=_switched_on(section, "require_own"),
        max_pragmas=section.number("max_pragmas", most=_MAX_PRAGMAS),
        profile=section.choice("profile", Profile, Profile.DEFAULT),
        exclude=_patterns(section),
        disable=section.texts("disable"),
    )
    section.close()
    return found


def _switched_on(section: MappingReader, key: str) -> bool:
    if key not in section:
        return False
    if section.text(key) != "true":
        section.refuse("this can only be true: a repository cannot switch it off", key)
    return True


def _patterns(section: MappingReader) -> tuple[str, ...]:
    found = tuple(each.removeprefix("./").removeprefix("/") for each in section.texts("exclude"))
    if len(found) > _MAX_PATTERNS:
        section.refuse(f"this has more than {_MAX_PATTERNS} patterns", "exclude")
    if not all(each.strip("*?/.") for each in found):
        section.refuse("this has a pattern that every path matches", "exclude")
    return found


def _severity(section: MappingReader, key: str) -> Severity | None:
    return section.choice(key, (Severity.ERROR, Severity.WARNING, Severity.NOTE)) if key in section else None


def _rules(policy: MappingReader) -> Iterator[RuleOverride]:
    for rule, tree in policy.table("rules").items():
        section = policy.below(tree, "rules", rule)
        if rule not in CATALOGUE:
            policy.refuse("an unknown rule; `tokenguard policy show` lists them", "rules", rule)
        yield RuleOverride(
            rule=rule,
            severity=_severity(section, "severity"),
            parameters={
                name: read_parameter(section, name, sort)
                for name, sort in CATALOGUE[rule].parameters.items()
                if name in section
            },
            place=section.place(),
        )
        section.close()


def tightened(policy: Policy, tightening: Tightening) -> Policy:
    """The policy with what the repository adds; overrides are held to it too, waivers stay the organisation's.

    Raises:
        InputError: the repository asks for less than the policy does.
    """
    for each in tightening.rules:
        policy = _with(policy, each)
    return policy


def _with(policy: Policy, wish: RuleOverride) -> Policy:
    base = next((rule for rule in policy.rules if rule.id == wish.rule), None)
    if base is None:
        base = replace(_unused(wish.rule), severity=wish.severity or Severity.WARNING)
        policy = replace(policy, rules=(*policy.rules, base))
    _check(base, wish)
    stricter = replace(
        base,
        severity=more_severe(base.severity, wish.severity or base.severity),
        parameters=_merged(wish, base.parameters),
    )
    return replace(
        policy,
        rules=tuple(stricter if rule.id == wish.rule else rule for rule in policy.rules),
        overrides=tuple(_override(each, wish) if each.rule == wish.rule else each for each in policy.overrides),
    )


def _unused(rule: str) -> Rule:
    """A rule that the organisation's policy leaves out, as the packaged policy has it."""
    from tokenguard.policy.loader import default_policy  # only where a rule is added

    return next(each for each in default_policy().rules if each.id == rule)


def _check(base: Rule, wish: RuleOverride) -> None:
    softer = wish.severity is not None and more_severe(base.severity, wish.severity) is not wish.severity
    less = [name for name in wish.parameters if loosens(wish.rule, name, base.parameters, wish.parameters)]
    if softer or less:
        raise InputError(
            f"{wish.place}: {'severity' if softer else less[0]} of {wish.rule} is weaker than the effective policy",
            hint="a repository may only tighten; use a waiver in the organisation's policy to accept a violation",
        )


def _override(override: Override, wish: RuleOverride) -> Override:
    severity = override.severity
    if severity is not None and wish.severity is not None:
        severity = more_severe(severity, wish.severity)
    return replace(override, severity=severity, parameters=_merged(wish, override.parameters, some=True))


def _merged(wish: RuleOverride, base: Mapping[str, Parameter], *, some: bool = False) -> dict[str, Parameter]:
    """The base's parameters with the wishes; with `some`, only of what the base has."""
    wanted = {name: each for name, each in wish.parameters.items() if name in base or not some}
    return {**base, **{name: stricter_of_both(wish.rule, name, base, wanted) for name in wanted}}
