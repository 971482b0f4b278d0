"""Each limit on what people and repositories give, reached by the real program: one error, one hint, little memory."""

import base64
import io
import json
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest

from tests.integration.forked_commands import Ended
from tests.integration.limited_machine import FACTS, LimitedMachine

POLICY = "format: 1\nname: x\nextends: default\n"
MANIFEST = "version: 1\ndefaults: {provider: manual, owner: x, environment: dev, scope: 'org:x', purpose: x}\n"


@dataclass(frozen=True)
class Limit:
    """A limit, what is one more than it allows, and the command that meets that."""

    name: str
    command: tuple[str, ...]
    more: Callable[[Path, int], str | None]
    """Writes so much into a directory; what the command reads on standard input, if that is it."""
    code: int = 2
    told: str = ""
    """What is said, if it is not the number of the limit."""
    least: bool = False
    """The limit is a lower one."""
    environ: tuple[tuple[str, str], ...] = ()
    """Variables of the command."""

    @property
    def allows(self) -> int:
        """The limit; of a time its days, or its seconds if those are less than a day."""
        module, _, constant = self.name.partition(":")
        found: int | timedelta = getattr(import_module(f"tokenguard.{module}"), constant)
        if isinstance(found, timedelta):
            return found.days or found.seconds
        return int(found)

    @property
    def beyond(self) -> int:
        """What is not allowed any more."""
        return self.allows + (-1 if self.least else 1)


def file(name: str, *, begin: str = "", fill: str = "#") -> Callable[[Path, int], None]:
    """A file of so many bytes."""

    def write(at: Path, size: int) -> None:
        (at / name).write_text(begin + "\n" + fill * (size - len(begin) - 2) + "\n")
        (at / name).chmod(0o600)

    return write


def hole(name: str) -> Callable[[Path, int], None]:
    """A file of so many bytes that takes no room."""

    def write(at: Path, size: int) -> None:
        with (at / name).open("wb") as sparse:
            sparse.truncate(size)

    return write


def text(name: str, make: Callable[[int], str]) -> Callable[[Path, int], None]:
    def write(at: Path, count: int) -> None:
        (at / name).write_text(make(count))

    return write


def typed(make: Callable[[int], str]) -> Callable[[Path, int], str]:
    return lambda _at, count: make(count)


def _includes(at: Path, count: int) -> None:
    for number in range(count):
        (at / f"m{number}.yaml").write_text(MANIFEST + "tokens: {}\n")
    (at / "tokens.yaml").write_text(
        MANIFEST + f"include: [{', '.join(f'm{n}.yaml' for n in range(count))}]\ntokens: {{}}\n"
    )


def _large_includes(at: Path, total: int) -> None:
    count = 8
    for number in range(count):
        head = MANIFEST + "tokens: {}\n"
        (at / f"m{number}.yaml").write_text(head + "#" * (total // count - len(head) + count) + "\n")
    (at / "tokens.yaml").write_text(
        MANIFEST + f"include: [{', '.join(f'm{n}.yaml' for n in range(count))}]\ntokens: {{}}\n"
    )


def _chain(at: Path, depth: int) -> None:
    for number in range(depth + 1):
        below = f"include: [m{number + 1}.yaml]\n" if number < depth else ""
        (at / (f"m{number}.yaml" if number else "tokens.yaml")).write_text(MANIFEST + below + "tokens: {}\n")


def _nested_zip(at: Path, depth: int) -> None:
    data = b"nothing"
    for number in range(depth + 1):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr(f"{number}.zip" if number else "a.txt", data)
        data = made.getvalue()
    (at / "nested.zip").write_bytes(data)


def _layers(at: Path, count: int) -> None:
    for number in range(count + 1):
        (at / f"p{number}.yaml").write_text(
            f"format: 1\nname: p{number}\nextends: {f'p{number + 1}.yaml' if number < count else 'default'}\n"
        )


def private(name: str, make: Callable[[int], str]) -> Callable[[Path, int], None]:
    """A file that only its owner may read."""

    def write(at: Path, count: int) -> None:
        (at / name).write_text(make(count))
        (at / name).chmod(0o600)

    return write


def config(make: Callable[[int], str]) -> Callable[[Path, int], None]:
    return private("c.toml", make)


def also(first: Callable[[Path, int], str | None], **files: str) -> Callable[[Path, int], str | None]:
    """`first`, beside files that stay the same; `_` in a name stands for a dot."""

    def write(at: Path, count: int) -> str | None:
        for name, content in files.items():
            (at / name.replace("_", ".")).write_text(content)
            (at / name.replace("_", ".")).chmod(0o600)
        return first(at, count)

    return write


def nothing(_at: Path, _count: int) -> None:
    """The limit is met in the arguments."""


def _own_rule(condition: Callable[[int], str]) -> Callable[[Path, int], None]:
    rule = "own_rules:\n  - {id: x, severity: error, says: x, why: x, source: x, fix: x, holds: 'HOLDS'}\n"
    return text("p.yaml", lambda n: POLICY + rule.replace("HOLDS", condition(n)))


def _links(at: Path, count: int) -> None:
    for number in range(count):
        (at / f"l{number}").symlink_to(f"l{number + 1}" if number + 1 < count else "c.toml")
    config(lambda _: "")(at, 0)


def _zip_bomb(at: Path, size: int) -> None:
    with zipfile.ZipFile(at / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.txt", "w") as member:
        for _ in range(3 * size // (1 << 20)):
            member.write(b"x = 1\n" * 174_763)


def _agent_event(make: Callable[[Path, int], str]) -> Callable[[Path, int], str]:
    return lambda at, count: json.dumps(
        {"hook_event_name": "UserPromptSubmit", "cwd": str(at), "session_id": "x", "prompt": make(at, count)}
    )


def _many_files(at: Path, count: int) -> str:
    for number in range(count):
        (at / f"f{number}").write_text("x")
    return _mentioned(at, count)


def _mentioned(_at: Path, count: int) -> str:
    return " ".join(f"@f{number}" for number in range(count))


def _manual(*more: str) -> tuple[str, ...]:
    facts = [each for each in FACTS if each != "--no-consumers" or "--deliver" not in more]
    return ("add", "new/a", *facts, "--stdin", *more)


VALUE = typed(lambda n: "tgcanary" * 4)
CONFIGURED = ("--config", "c.toml", "list")
REFUSED = r"^error: .*\n(.*\n)*hint: |^! a: .*; |^tokenguard: .*; "
"""An error and its hint; of a route, and to a coding agent, in one line."""
LIMITS = (
    Limit("shell.config:MAX_BYTES", ("--config", "c.toml", "list"), file("c.toml")),
    Limit("policy.loader:MAX_BYTES", ("policy", "lint", "p.yaml"), file("p.yaml", begin="format: 1\nname: x\nextends: default")),
    Limit("documents:MAX_DEPTH", ("policy", "lint", "p.yaml"), text("p.yaml", lambda n: "format: 1\nname: x\nrules: " + "[" * n + "]" * n)),
    Limit("documents:MAX_NODES", ("policy", "lint", "p.yaml"), text("p.yaml", lambda n: f"format: 1\nname: x\nrules: [{'1,' * n}]")),
    Limit("policy.policy_tests:MAX_BYTES", ("policy", "test", "t.yaml"), file("t.yaml", begin="format: 1")),
    Limit("policy.repository_overrides:MAX_BYTES", ("check", "."), file(".tokenguard.toml")),
    Limit("provisioning.folder:MAX_FILE", ("plan",), file("tokens.yaml", begin=MANIFEST + "tokens: {}")),
    Limit("provisioning.folder:MAX_FILES", ("plan",), _includes),
    Limit("provisioning.folder:MAX_TOTAL", ("plan",), _large_includes),
    Limit("provisioning.layers:MAX_DEPTH", ("plan",), _chain),
    Limit("provisioning.layers:MAX_TOKENS", ("plan",), text("tokens.yaml", lambda n: MANIFEST + "tokens:\n" + "".join(f"  a/n{i}: {{}}\n" for i in range(n)))),
    Limit("provisioning.manifest_source:MAX_NODES", ("plan",), text("tokens.yaml", lambda n: MANIFEST + f"tokens: {{}}\nx: [{'1,' * n}]")),
    Limit("provisioning.parse:MAX_LINE", ("plan",), text("tokens.yaml", lambda n: MANIFEST + f"tokens:\n  a/b: {{purpose: {'x' * n}}}\n")),
    Limit("provisioning.parse:MAX_ITEMS", ("plan",), text("tokens.yaml", lambda n: MANIFEST + f"tokens:\n  a/b: {{permissions: [{', '.join(f'p{i}' for i in range(n))}]}}\n")),
    Limit("providers.generic.loading:_MAX_BYTES", ("provider", "lint", "a.yaml"), file("a.yaml", begin="name: a")),
    Limit("mapping_reader:MAX_TEXT", ("provider", "lint", "a.yaml"), text("a.yaml", lambda n: f"name: a\nbase_url: https://{'x' * n}\n")),
    Limit("inventory.readers:MAX_BYTES", ("import", "a.env"), file("a.env")),
    Limit("inventory.readers:MAX_DRAFTS", ("import", "--dry-run", "a.env"), text("a.env", lambda n: "".join(f"A_TOKEN_{i}=tgcanary{i:012}\n" for i in range(n)))),
    Limit("inventory.list_reading:MAX_BYTES", ("verify", "--reconcile", "manual", "--from-file", "l.txt"), file("l.txt", fill=" ")),
    Limit("inventory.list_reading:MAX_ROWS", ("verify", "--reconcile", "manual", "--from-file", "l.txt"), text("l.txt", lambda n: "".join(f"n{i}\n" for i in range(n)))),
    Limit("scanning.foreign_reports:MAX_BYTES", ("respond", "r.json", "--reach", "log", "--where", "x"), hole("r.json")),
    Limit("scanning.foreign_reports:_MAX_NODES", ("respond", "r.json", "--reach", "log", "--where", "x"), text("r.json", lambda n: "[" + "1," * n + "1]")),
    Limit("scanning.detect_secrets_baseline:_MAX_BYTES", ("baseline", "import", "b.json"), hole("b.json")),
    Limit("scanning.baseline_file:_MAX_BYTES", ("scan", "."), hole(".tokenguard-baseline")),
    Limit("scanning.windows:LARGEST", ("scan", "--strict", "."), hole("large.bin"), code=1),
    Limit("scanning.content:MAX_BYTES", ("scan", "--strict", "--stdin"), typed(lambda n: "x\n" * (n // 2 + 1))),
    Limit("scanning.archives:MAX_DEPTH", ("scan", "--strict", "."), _nested_zip, code=1),
    Limit("policy.loader:_MAX_LAYERS", ("policy", "lint", "p0.yaml"), _layers),
    Limit("mapping_reader:MAX_TEXT", ("policy", "lint", "p.yaml"), text("p.yaml", lambda n: POLICY + f"rules:\n  - {{id: leaked, why: {'x' * n}}}\n")),
    Limit("policy.rule_parameters:MAX_DAYS", ("policy", "lint", "p.yaml"), text("p.yaml", lambda n: POLICY + f"rules:\n  - {{id: maximum-age, otherwise: {n}}}\n")),
    Limit("policy.repository_overrides:_MAX_PATTERNS", ("scan", "."), text(".tokenguard.toml", lambda n: f"[scan]\nexclude = {[f'p{i}' for i in range(n)]}\n")),
    Limit("inventory.record_changes:MAX_TEXT", ("add", "a/b", *FACTS, "--stdin", "--purpose", "REASON"), typed(lambda n: "tgcanary" * 4)),
    Limit("scanning.baseline_file:MAX_REASON", ("baseline", "accept", "a.py:1", "--reason", "REASON"), text("a.py", lambda n: "connect('sk-social-" + "aB3" * 20 + "')\n")),
    Limit("scanning.union_merge:_MAX_BYTES", ("baseline", "update"), file(".gitattributes")),
    Limit("provisioning.server_setup.server_file:MAX_BYTES", ("setup", "s.yaml", "--emit", "terraform"), file("s.yaml")),
    Limit("domain.shape:MAX_LENGTH", ("add", "a/b", *FACTS, "--stdin"), typed(lambda n: "tgcanary" + "x" * (n - 8))),
    Limit("domain.names:MAX_SEGMENTS", ("add", "NAME", *FACTS, "--stdin"), typed(lambda n: "tgcanary" * 4)),
    Limit("shell.unlock:_LARGEST_KEY_FILE", ("list",), file("key", fill=" ")),
    Limit("shell.config:MAX_FLOOR", CONFIGURED, config(lambda n: f"[providers.autoposting]\ndeath_floor = '{n}d'\n"), told="more than 7 days"),
    Limit("shell.config:MIN_FLOOR", CONFIGURED, config(lambda n: f"[providers.autoposting]\ndeath_floor = '{n}s'\n"), least=True, told="under 60 seconds"),
    Limit("shell.config:_LONGEST_SILENCE", CONFIGURED, config(lambda n: f"[notify]\nupkeep_within = '{n}d'\n"), told="at most 31 days"),
    Limit("shell.config:_LONGEST_REMINDER", CONFIGURED, config(lambda n: f"[notify]\nremind_after = '{n}d'\n"), told="between 1d and 90d"),
    Limit("shell.notify_settings:_MOST_PER_HOUR", CONFIGURED, config(lambda n: f"[notify.routes.a]\nwebhook = 'env:X'\nsecret = 'env:Y'\nper_hour = {n}\n")),
    Limit("shell.notify_settings:_MOST_ADDRESSES", CONFIGURED, config(lambda n: f"[notify.routes.a]\nsmtp = 'mail.example.org'\nsender = 'a@example.org'\nto = {['a@example.org'] * n}\n")),
    Limit("shell.notification_routes:_SHORTEST_SECRET", ("--config", "c.toml", "notify", "--test"), config(lambda n: "[notify.routes.a]\nwebhook = 'env:HOOK'\nsecret = 'env:SECRET'\n"), least=True, environ=(("HOOK", "http://127.0.0.1:9/x"), ("SECRET", "tgcanary" * 3 + "short12"))),
    Limit("http.address:_MAX_URL", CONFIGURED, config(lambda n: f"[providers.autoposting]\nbase_url = 'https://example.org/{'x' * n}'\n"), told="base_url"),
    Limit("shell.vault_store:_MAX_NODES", ("--config", "c.toml", "--store", "vault://secret/x", "list"), config(lambda n: f"[vault]\ncredential = 'env:SECRET'\naddress = {[f'https://n{i}.example.org' for i in range(n)]}\n"), environ=(("SECRET", "tgcanary-login"),)),
    Limit("shell.credentials:_MOST", ("--config", "c.toml", "--store", "vault://secret/x", "list"), also(file("login"), c_toml="[vault]\naddress = 'https://v.example.org'\ncredential = 'file:login'\n")),
    Limit("stores.aws.layout:LONGEST_PREFIX", ("--store", "aws://eu-central-1/REASON", "list"), nothing, told="aws://REGION/PREFIX"),
    Limit("stores.vault.layout:_MAX_SEGMENTS", ("--store", "vault://secret/NAME", "list"), nothing, told="not the address of a Vault store"),
    Limit("shell.unlock:_SHORTEST_PASSPHRASE", ("--store", "local:///dev/shm/never-made", "init"), private("words", lambda n: "x" * n), least=True, environ=(("TOKENGUARD_KEY_FILE", ""), ("TOKENGUARD_PASSPHRASE_FILE", "words"))),
    Limit("shell.unlock:_LARGEST_PASSPHRASE_FILE", ("--store", "local:///dev/shm/never-made", "init"), private("words", lambda n: "x" * n), environ=(("TOKENGUARD_KEY_FILE", ""), ("TOKENGUARD_PASSPHRASE_FILE", "words"))),
    Limit("shell.repository_config:_LONGEST_CHAIN", ("--config", "l0", "list"), _links, told="config"),
    Limit("inventory.people_file:MAX_BYTES", ("--config", "c.toml", "check"), also(hole("people.csv"), c_toml="[people]\nfile = 'people.csv'\n")),
    Limit("inventory.people_file:_MOST", ("--config", "c.toml", "check"), also(text("people.csv", lambda n: "person\n" + "".join(f"p{i}\n" for i in range(n))), c_toml="[people]\nfile = 'people.csv'\n")),
    Limit("domain.shape:MIN_LENGTH", _manual(), typed(lambda n: "x" * n), least=True),
    Limit("delivery.delivery_registry:_LONGEST", _manual("--deliver", "person:REASON"), VALUE),
    Limit("domain.field_address:LONGEST", _manual("--adopt", "vault://secret/REASON#x"), nothing, told="address"),
    Limit("domain.field_address:_SEGMENT", _manual("--adopt", "vault://secret/REASON#x"), nothing, told="address"),
    Limit("domain.field_address:_DEEPEST", _manual("--adopt", "vault://secret/NAME#x"), nothing, told="address"),
    Limit("delivery.dotenv:LIMIT", _manual("--deliver", "dotenv:/TMP/large.env#X"), also(file("large.env"), c_toml="")),
    Limit("cli.apply:_MOST_JOBS", ("apply", "--jobs", "COUNT"), nothing),
    Limit("cli.fingerprints_waive:_LONGEST", ("fingerprints", "waive", "kept/a", "--owner", "x", "--reason", "x", "--until", "DAY"), nothing, told="more than one year ahead"),
    Limit("provisioning.approval:LONGEST", ("approve", "sha256:" + "0" * 64, "--until", "DAY", "--yes"), text("tokens.yaml", lambda n: MANIFEST + "tokens: {}\n"), told="90 days"),
    Limit("provisioning.parse:_MOST_DAYS", ("plan",), text("tokens.yaml", lambda n: MANIFEST + f"tokens:\n  a/b: {{due: {n}d}}\n"), told="due"),
    Limit("documents:_MAX_DIGITS", ("respond", "r.json", "--reach", "log", "--where", "x"), text("r.json", lambda n: "[" + "1" * n + "]")),
    Limit("inventory.list_reading:_MAX_TEXT", ("verify", "--reconcile", "manual", "--from-file", "l.txt"), text("l.txt", lambda n: "x" * n + "\n"), told="not one plain line"),
    Limit("usecases.update_records:_MOST_FIELDS", ("import", "--update", "--yes", "l.csv"), text("l.csv", lambda n: ",".join(f"c{i}" for i in range(n)) + "\n" + "x," * (n - 1) + "x\n"), told="columns"),
    Limit("policy.catalogue:MAX_CONDITION", ("policy", "lint", "p.yaml"), _own_rule(lambda n: 'record.owner == "' + "x" * n + '"')),
    Limit("policy.expression:MAX_MACROS", ("policy", "lint", "p.yaml"), _own_rule(lambda n: " && ".join(['record.permissions.all(p, p == "x")'] * n))),
    Limit("policy.expression:MAX_ADDITIONS", ("policy", "lint", "p.yaml"), _own_rule(lambda n: " + ".join(["1"] * (n + 1)) + " == 2")),
    Limit("policy.expression:MAX_COMMAS", ("policy", "lint", "p.yaml"), _own_rule(lambda n: "record.owner in [" + ",".join(['"x"'] * (n + 1)) + "]")),
    Limit("policy.rule_parameters:MAX_COUNT", ("policy", "lint", "p.yaml"), text("p.yaml", lambda n: POLICY + f"rules:\n  - {{id: unattended-rotation, most: {n}}}\n")),
    Limit("policy.windows:_LONGEST_FREEZE", ("policy", "lint", "p.yaml"), text("p.yaml", lambda n: POLICY + "rules:\n  - {id: unattended-rotation, freezes: ['2026-01-01..2027-01-03']}\n"), told="not a freeze"),
    Limit("policy.toml_tree:_MAX_DEPTH", ("check", "."), text(".tokenguard.toml", lambda n: "x = " + "[" * n + "]" * n + "\n"), told="nested too deeply"),
    Limit("policy.repository_overrides:_MAX_PRAGMAS", ("scan", "."), text(".tokenguard.toml", lambda n: f"[scan]\nmax_pragmas = {n}\n")),
    Limit("mapping_reader:_MAX_NUMBER", ("provider", "lint", "a.yaml"), text("a.yaml", lambda n: f"name: a\nlist: {{request: GET /x, items: /i, id: /id, label: /l, paging: page, limit: l, size: {n}}}\n")),
    Limit("providers.generic.provider_sections:MAX_ROWS", ("provider", "lint", "a.yaml"), text("a.yaml", lambda n: f"name: a\nbase_url: https://example.org\nscope_kind: org\nprobe: {{request: GET /me}}\nrevoke: [{', '.join(['{request: DELETE /x}'] * n)}]\n")),
    Limit("agents.hook_file:MAX_BYTES", ("agent", "install", "claude-code", "--project", "--yes"), lambda at, n: ((at / ".claude").mkdir(), file(".claude/settings.json")(at, n))[1]),
    Limit("agents.hook_file:_MAX_NODES", ("agent", "install", "claude-code", "--project", "--yes"), lambda at, n: ((at / ".claude").mkdir(), text(".claude/settings.json", lambda n: '{"x": [' + "1," * n + "1]}")(at, n))[1]),
    Limit("usecases.agent_guard:_MOST_FILES", ("agent", "hook", "claude-code"), _agent_event(_many_files), told="more files than can be searched"),
    Limit("usecases.agent_guard:_MOST_NAMES", ("agent", "hook", "claude-code"), _agent_event(_mentioned), told="more files than can be searched"),
    Limit("usecases.save_findings:_MAX_BYTES", ("scan", "--output", "found.txt", "a.py"), also(hole("found.txt"), a_py="x = 1\n")),
    Limit("usecases.working_tree:_MOST", ("--store", "vault://secret/x", "init", "--ci", "github", "--server", "https://v.example.org", "--repository", "acme/tokens", "--repository-id", "1", "--yes"), lambda at, n: ((at / ".github/workflows").mkdir(parents=True), file(".github/workflows/tokens.yml")(at, n))[1]),
    Limit("usecases.export_audit:MAX_CURSOR", ("audit", "export", "--since", "@cursor"), hole("cursor")),
    Limit("scanning.scan_budget:ALLOWANCE", ("scan", "--strict", "."), _zip_bomb, code=1, told="archive-too-large"),
    Limit("detection.disguised_tokens:_MOST", ("scan", "--strict", "a.py"), text("a.py", lambda n: 'x = "ghp_" + "a"\n' * (n // 17 + 1)), code=1, told="nested-disguises"),
    Limit("scanning.hook_file:_MAX_BYTES", ("doctor", "--install-hook"), file(".git/hooks/pre-commit")),
    Limit("scanning.bundle:MAX_BYTES", ("fingerprints", "pull", "known"), hole("known"), environ=(("TOKENGUARD_SCAN_KEY", base64.b64encode(bytes(32)).decode()),)),
    Limit("shell.scan_settings:_MAX_BYTES", ("scan", "a.py"), also(file("c.toml"), a_py="x = 1\n"), environ=(("TOKENGUARD_CONFIG", "/TMP/c.toml"),)),
    Limit("scanning.detect_secrets_baseline:_MAX_NODES", ("baseline", "import", "b.json"), text("b.json", lambda n: "[" + "1," * n + "1]")),
    Limit("policy.json_with_comments:MAX_BYTES", ("--format", "json", "check", "."), file(".mcp.json", begin='{"mcpServers": {}}', fill=" "), code=0, told="cannot be read as JSON"),
    Limit("policy.yaml_scalars:MAX_BYTES", ("--format", "json", "check", "."), lambda at, n: ((at / ".github/workflows").mkdir(parents=True), file(".github/workflows/a.yml")(at, n))[1], code=0, told="cannot be read as YAML"),
    Limit("usecases.apply_fixes:_MAX_BYTES", ("check", ".", "--fix", "--yes"), also(file(".gitignore"), _env="A_TOKEN=\n")),
    Limit("cli.rotate:_MAX_REASON", ("rotate", "a/b", "--compromised", "--reason", "REASON"), typed(lambda n: "")),
)  # fmt: skip


def kept(directory: Path) -> dict[str, tuple[int, int, int]]:
    """What stands in a directory: the size, time and mode of each file, without the files that only coordinate."""
    found = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.suffix not in {".lock", ".db-shm"} and path.name != "lock":
            about = path.lstat()
            found[str(path.relative_to(directory))] = (about.st_size, about.st_mtime_ns, about.st_mode)
    return found


def met(limit: Limit, machine: LimitedMachine, at: Path, *, seen: Callable[[], object]) -> Ended:
    """The command of a limit, given more than it allows; `seen` is called before it starts."""
    amount = limit.beyond
    if "--config" not in limit.command:  # a configuration in a repository is read otherwise
        shutil.copytree(machine.home / "repository" / ".git", at / ".git")
    given = limit.more(at, amount)
    day = (datetime.now(UTC) + timedelta(days=min(amount, 9_999) + 1)).date().isoformat()
    words = {"NAME": "/".join(["a"] * min(amount, 99)), "REASON": "x" * min(amount, 1_999), "COUNT": str(amount)}
    words |= {"DAY": day, "/TMP": str(at)}
    key = at / "key"
    environ = {"TOKENGUARD_KEY_FILE": str(key)} if key.exists() else {}
    seen()
    command = ["--no-input", *(_filled(word, words) for word in limit.command)]
    return machine.run(
        command, at, (given or "").encode(), environ | {name: _filled(word, words) for name, word in limit.environ}
    )


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        text = text.replace(name, word)
    return text


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: the unit of memory is Linux's")
@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_one_more_than_the_limit_is_refused(limit, limited_machine, tmp_path):
    """What is refused has written nothing: the store and all that was given are as they were."""
    stored, given = kept(limited_machine.home / "store"), []
    done = met(limit, limited_machine, tmp_path, seen=lambda: given.append(kept(tmp_path)))
    if limit.code != 0:
        assert kept(limited_machine.home / "store") == stored
        assert [kept(tmp_path)] == given
    assert done.code == limit.code, (done.err[-2000:], done.out[-2000:])
    assert "Traceback" not in done.err
    if limit.code == 2:
        assert re.search(REFUSED, done.err, re.MULTILINE), done.err
    told = done.err + done.out
    assert any(
        words in told
        for words in ([limit.told] if limit.told else [f"{limit.allows:,}", "too-large", "archive-too-deep"])
    ), told
    assert len(told) < 20_000
