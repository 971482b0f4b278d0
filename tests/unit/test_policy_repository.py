"""Each rule about a repository: a file that keeps it, one that violates it, the boundary, and where nobody can say."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.frozen import replace
from tokenguard.policy.catalogue import CATALOGUE
from tokenguard.policy.loader import default_policy
from tokenguard.policy.model import Override, PolicyWaiver, RuleSelector, Severity
from tokenguard.policy.repository_answer import RepositoryQuestion, RepositoryViolation
from tokenguard.policy.repository_assessment import assess_repository
from tokenguard.policy.repository_names import is_ci_file, is_env_file, is_mcp_config, is_watched
from tokenguard.policy.repository_view import FileView, Presigned, RepositoryView
from tokenguard.policy.rules.repository_table import REPOSITORY_CHECKS
from tokenguard.policy.yaml_scalars import MAX_BYTES, read_scalars

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = default_policy()
CI = ".github/workflows/ci.yml"
MCP = ".cursor/mcp.json"


def asked(rule: str, view: RepositoryView, check=None):
    question = RepositoryQuestion(rule=POLICY.rule(rule), view=view, now=NOW)
    answers = (check or REPOSITORY_CHECKS[rule])(question)
    return [each.line if isinstance(each, RepositoryViolation) else each.reason for each in answers]


def of_file(path: str, text: str = "", **how) -> RepositoryView:
    return RepositoryView(files={path: FileView(path=path, text=text, **{"tracked": True, **how})})


ENV = [
    (".env", True), (".env.local", True), (".env.production", True), ("a/b/.env", True), (".envrc", True),
    (".env.example", False), (".env.sample", False), (".env.prod.template", False), (".env.vault", False),
    (".env.enc", False), ("env", False), ("x.env.py", False), (".environment", False), (".env.ci", False),
]  # fmt: skip


@pytest.mark.parametrize(("path", "tracked"), ENV)
def test_env_file_tracked(path, tracked):
    assert is_env_file(path) is tracked
    assert asked("env-file-tracked", of_file(path)) == ([0] if tracked else [])
    assert asked("env-file-tracked", of_file(path, tracked=False)) == []


def test_an_encrypted_env_file_may_be_tracked():
    assert asked("env-file-tracked", of_file(".env", "A=ENC[x]\nsops_mac=ENC[y]\nsops_version=3.9.0\n")) == []


def test_env_file_ignored():
    assert asked("env-file-ignored", RepositoryView()) == []
    assert asked("env-file-ignored", RepositoryView(not_ignored=(".env", "a/.env"))) == [0, 0]
    assert asked("env-file-ignored", RepositoryView(with_git=False)) == ["this is not a git repository"]


MODES = [
    (".env", 0o600, True, False), (".env", 0o400, True, False), (".env", 0o640, True, True), (".env", 0o604, False, True),
    ("a/server.key", 0o644, False, True), ("a/server.key", 0o644, True, False), ("README.md", 0o644, False, False),
    ("id_ed25519", 0o601, False, True), (".npmrc", 0o644, False, False), ("credentials.json", 0o620, False, True),
]  # fmt: skip


@pytest.mark.parametrize(("path", "mode", "tracked", "violated"), MODES)
def test_secret_file_mode(path, mode, tracked, violated):
    assert asked("secret-file-mode", of_file(path, mode=mode, tracked=tracked)) == ([0] if violated else [])


@pytest.mark.parametrize("path", ["~/.descript-cli/config.json", "~/.config/autoposting/credentials.json"])
def test_vendor_credentials_mode(path):
    assert asked("vendor-credentials-mode", of_file(path, mode=0o600)) == []
    assert asked("vendor-credentials-mode", of_file(path, mode=0o640)) == [0]
    assert asked("vendor-credentials-mode", of_file(path.removeprefix("~/"), mode=0o644)) == []


def server(text: str) -> str:
    text = text.replace("@", REMOTE).replace("#", OTHER)
    return '{\n  "mcpServers": {\n    "one": ' + text + "\n  }\n}\n"


REMOTE = '"url": "https://api.descript.com/v2/mcp"'
OTHER = '"url": "https://mcp.acme.com/x"'
SERVERS = {
    "OAuth": (server("{@}"), []),
    "a token where OAuth is offered": (server('{@, "headers": {"Authorization": "Bearer abcdefgh"}}'), [3]),
    "a reference where OAuth is offered": (server('{@, "headers": {"Authorization": "Bearer ${T}"}}'), [3]),
    "a header that is not a credential": (server('{@, "headers": {"X-Trace": "abcdefgh"}}'), []),
    "a token elsewhere": (server('{#,\n"headers":\n{"Authorization": "Bearer abcdefgh"}}'), [5]),
    "a reference elsewhere": (server('{#, "headers": {"Authorization": "Bearer ${input:token}"}}'), []),
    "a short stand-in": (server('{#, "env": {"API_KEY": "xxx"}}'), []),
    "four characters": (server('{#, "env": {"API_KEY": "xxxx"}}'), [3]),
    "in the environment": (server('{"command": "x", "env": {"A_TOKEN": "abcdefgh"}}'), [3]),
    "a file's name in the environment": (server('{"command": "x", "env": {"A_TOKEN_FILE": "/abcdefgh"}}'), []),
    "in an argument": (server('{"command": "x", "args": ["--api-key", "abcdefgh"]}'), [3]),
    "in an argument with its name": (server('{"command": "x", "args": ["--token=abcdefgh"]}'), [3]),
    "in a header argument": (server('{"command": "x", "args": ["--header", "Authorization: Bearer abcdefgh"]}'), [3]),
    "through a bridge to OAuth's host": (
        server('{"command": "x", "args": ["https://api.descript.com/v2/mcp", "--header", "X-Api-Key:${K}"]}'), [3],
    ),
    "a flag follows": (server('{"command": "x", "args": ["--token", "--verbose"]}'), []),
    "in the address": (server('{"url": "https://mcp.acme.com/x?api_key=abcdefgh"}'), [3]),
    "a login in the address": ('{"servers": {"a": {"url": "https://user:abcdefgh@mcp.acme.com/x"}}}', [1]),
    "comments and trailing commas": ('// a\n{"servers": {"a": {/* b */ "env": {"X_KEY": "abcd//efgh",},},},}', [2]),
    "another mapping of servers": ('{"mcp": {"servers": {"a": {"env": {"SECRET": "abcdefgh"}}}}}', [1]),
    "nothing of MCP": ('{"editor.fontSize": 12}', []),
    "not JSON": ('{"mcpServers": ', ["a file of MCP servers cannot be read as JSON"]),
    "not quite JSON": ("{'mcpServers': {}}", ["a file of MCP servers cannot be read as JSON"]),
    "a deep one": ("[" * 5_000, ["a file of MCP servers cannot be read as JSON"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SERVERS.values(), ids=SERVERS)
def test_mcp_static_token(text, expected):
    assert asked("mcp-static-token", of_file(MCP, text)) == expected
    assert asked("mcp-static-token", of_file("src/data.json", text)) == []


@pytest.mark.parametrize(
    "path",
    [".mcp.json", "a/.mcp.json", ".cursor/mcp.json", ".vscode/mcp.json", ".vscode/settings.json",
     "~/.config/Claude/claude_desktop_config.json", "claude_desktop_config.json"],
)  # fmt: skip
def test_configurations_of_mcp_clients_are_known(path):
    assert is_mcp_config(path)
    assert is_watched(path)


CALLBACKS = {
    'callback_url="https://hooks.acme.com/x"': [],
    'callback_url="http://hooks.acme.com/x"': [1],
    '"callback_url":\n  "http://hooks.acme.com/x"': [2],
    "\n\ncallbackUrl: 'http://hooks.acme.com'": [3],
    "CALLBACK_URL=http://hooks.acme.com": [1],
    'callback_url: str = "http://hooks.acme.com"': [1],
    'callback_url => "http://hooks.acme.com"': [1],
    'setCallbackUrl("http://hooks.acme.com")': [1],
    '"callback_url": f"https://hooks.acme.com/{job}"': [],
    '"callback_url": f"https://{host}/x"': [],
    '"callback_url": f"http://{host}/x"': [1],
    '"callback_url": f"https://{user}@{host}/x"': [1],
    '"callback_url": f"https://hooks.acme.com/x?token={token}"': [1],
    'callback_url="https://hooks.acme.com/x?job=12"': [],
    'callback_url="https://u:p@hooks.acme.com/x"': [1],
    'callback_url="https://10.0.0.1/x"': [1],
    'callback_url="https://11.0.0.1/x"': [],
    'callback_url="https://[::1]/x"': [1],
    'callback_url="https://localhost/x"': [1],
    'callback_url="https://169.254.169.254/x"': [1],
    'callback_url="https://2130706433/x"': [1],
    'callback_url="https://build.internal/x"': [1],
    'callback_url="http://hooks.example/x"': [],
    'callback_url="https://..."': [],
    'callback_url="https://hooks.acme.com:8443/x"': [],
    "the callback_url must be https": [],
    'other_url="http://hooks.acme.com/x"': [],
}


@pytest.mark.parametrize(("text", "expected"), CALLBACKS.items(), ids=CALLBACKS)
def test_callback_url(text, expected):
    assert asked("callback-url", of_file("app.py", text)) == expected


def url(**how) -> RepositoryView:
    given = {"path": "a.py", "line": 7, "kind": "S3", "digest": "d", "ends_at": NOW + 24 * HOUR, "length": 24 * HOUR}
    return RepositoryView(presigned=(Presigned(**{**given, **how}),))


UNDATED = "a pre-signed URL does not contain its creation time"
LIFETIMES = {
    "a day": ({}, []),
    "12 hours": ({"length": 12 * HOUR}, []),
    "a second less": ({"length": 12 * HOUR - timedelta(seconds=1)}, [7]),
    "48 hours": ({"length": 48 * HOUR}, []),
    "a second more": ({"length": 48 * HOUR + timedelta(seconds=1)}, [7]),
    "at most a week": (
        {"length": 168 * HOUR, "upper_bound": True},
        ["a pre-signed URL may end earlier, with the session that signed it"],
    ),
    "at most an hour": ({"length": HOUR, "upper_bound": True}, [7]),
    "no beginning": ({"length": None}, [UNDATED]),
    "no beginning and 48 hours left": ({"length": None, "ends_at": NOW + 48 * HOUR}, [UNDATED]),
    "no beginning and more left": ({"length": None, "ends_at": NOW + 48 * HOUR + timedelta(seconds=1)}, [7]),
    "nothing known": ({"length": None, "ends_at": None}, [UNDATED]),
}


@pytest.mark.parametrize(("how", "expected"), LIFETIMES.values(), ids=LIFETIMES)
def test_presigned_lifetime(how, expected):
    assert asked("presigned-lifetime", url(**how)) == expected


@pytest.mark.parametrize(
    ("grants", "expected"), [("read", []), ("more", [7]), ("", ["a pre-signed URL does not contain its permissions"])]
)
def test_presigned_read_only(grants, expected):
    assert asked("presigned-read-only", url(grants=grants)) == expected


def test_presigned_reused():
    one = url().presigned[0]
    view = RepositoryView(presigned=(one, replace(one, digest="e", line=8)))
    assert asked("presigned-reused", view) == []
    assert asked("presigned-reused", RepositoryView(presigned=(one, replace(one, path="b.py", line=9)))) == [9]


def job(*lines: str, env: str = "") -> str:
    script = "".join(f"          {line}\n" for line in lines)
    return f"on: push\njobs:\n  a:\n    env:\n      X: y\n{env}    steps:\n      - run: |\n{script}"


KEYS = {
    "nothing": ("jobs: {a: {steps: [{run: make}]}}", []),
    "AWS's key": (job("make", env="      AWS_SECRET_ACCESS_KEY: ${{ secrets.KEY }}\n"), [6]),
    "AWS's key under another name": (job("make", env="      K: ${{ secrets.AWS_SECRET_ACCESS_KEY }}\n"), [6]),
    "made by an earlier step": (job("make", env="      AWS_SECRET_ACCESS_KEY: ${{ steps.a.outputs.k }}\n"), []),
    "empty": (job("make", env="      AWS_SECRET_ACCESS_KEY: ''\n"), []),
    "OIDC": ("- uses: aws-actions/configure-aws-credentials@v4\n  with: {role-to-assume: x}", []),
    "an action's key": ("- uses: aws-actions/configure-aws-credentials@v4\n  with:\n    aws-access-key-id: x", [3]),
    "Google's": ("- uses: google-github-actions/auth@v2\n  with:\n    credentials_json: x", [3]),
    "Azure's": ("- uses: azure/login@v2\n  with:\n    creds: ${{ secrets.X }}", [3]),
    "creds of something else": ("- uses: acme/login@v2\n  with:\n    creds: ${{ secrets.X }}", []),
    "Vault's": ("- uses: hashicorp/vault-action@v3\n  with:\n    token: ${{ secrets.X }}", [3]),
    "PyPI's": ("- uses: pypa/gh-action-pypi-publish@v1\n  with:\n    password: ${{ secrets.X }}", [3]),
    "another index": (
        "- uses: pypa/gh-action-pypi-publish@v1\n  with:\n    password: ${{ secrets.X }}\n    repository-url: x", [],
    ),
    "GitLab's variables with an anchor": ("a: &a\n  variables:\n    VAULT_TOKEN: $V\nb:\n  <<: *a\n  x: !reference [a]", [3]),
    "in a script": (job("deploy --key ${{ secrets['GCP_SA_KEY'] }}"), [8]),
    "not YAML": ("a: [", ["a CI file cannot be read as YAML"]),
    "too large": ("a: " + "x" * MAX_BYTES, ["a CI file cannot be read as YAML"]),
    "too deep": ("[" * 100_000, ["a CI file cannot be read as YAML"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), KEYS.values(), ids=KEYS)
def test_ci_long_lived_key(text, expected):
    assert asked("ci-long-lived-key", of_file(CI, text)) == expected
    assert asked("ci-long-lived-key", of_file("values.yaml", text)) == []


FILLED = "      T: ${{ secrets.T }}\n"
ECHOES = {
    "nothing": (["echo hello"], []),
    "a token": (["echo $API_TOKEN"], [8]),
    "a secret of the CI system": (["echo '${{ secrets.T }}'"], [8]),
    "a variable filled from one": (["echo ${T}"], [9]),
    "an action's word for it": (["echo ::add-mask::$API_TOKEN"], []),
    "kept by single quotes": (["echo '$API_TOKEN'"], []),
    "in double quotes": (['printf "%s\\n" "$API_TOKEN"'], [8]),
    "given on": (["echo $API_TOKEN | docker login --password-stdin"], []),
    "in disguise": (["echo $API_TOKEN | base64"], [8]),
    "in disguise, then given on": (["echo $API_TOKEN | base64 | deploy"], []),
    "into a file": (["echo T=$API_TOKEN >> $GITHUB_ENV"], []),
    "into the log after all": (["echo $API_TOKEN >&2"], [8]),
    "into the terminal": (["echo $API_TOKEN > /dev/stderr"], [8]),
    "errors into a file": (["echo $API_TOKEN 2>/dev/null"], [8]),
    "after something else": (["cd x && echo $API_TOKEN; ls"], [8]),
    "in a condition": (["if true; then echo $API_TOKEN; fi"], [8]),
    "a pipe in quotes": (['echo "a|b $API_TOKEN"'], [8]),
    "a comment": (["# echo $API_TOKEN"], []),
    "in the next line": (["echo \\", "  $API_TOKEN"], [8]),
    "whether it is there": (["echo ${API_TOKEN:+set}"], []),
    "how long it is": (["echo ${#API_TOKEN}"], []),
    "the name of its file": (["echo $API_TOKEN_FILE"], []),
    "another name": (["echo $TOKENIZER"], []),
    "a variable that is not a secret": (["echo $X"], []),
    "PowerShell": (["Write-Host $env:API_TOKEN"], [8]),
    "made in a substitution": (["X=$(echo $API_TOKEN | cut -c1)"], []),
    "traced": (["set -x", "curl -H $API_TOKEN x"], [8]),
    "traced with other options": (["set -euxo pipefail", "curl -H $API_TOKEN x"], [8]),
    "traced without a token": (["set -x", "curl x"], []),
    "not traced": (["set -e", "curl -H $API_TOKEN x"], []),
    "a loud curl": (["curl -sv -H $API_TOKEN x"], [8]),
    "a quiet curl": (["curl -s -H $API_TOKEN x"], []),
    "all variables": (["env"], [9]),
    "a run with variables": (["env A=b make"], []),
    "all variables into a file": (["printenv > x"], []),
}


def echoing(lines, expected):
    """A job whose variables are filled from the CI system's secrets where the case is about them."""
    return job(*lines, env=FILLED if expected == [9] else "")


@pytest.mark.parametrize(("lines", "expected"), ECHOES.values(), ids=ECHOES)
def test_ci_token_echoed(lines, expected):
    assert asked("ci-token-echoed", of_file(CI, echoing(lines, expected))) == expected


def test_a_disguise_is_told():
    answers = [
        [each.text for each in REPOSITORY_CHECKS["ci-token-echoed"](RepositoryQuestion(rule=POLICY.rule("ci-token-echoed"), view=of_file(CI, job(line)), now=NOW))]
        for line in ("echo $API_TOKEN", "echo $API_TOKEN | base64")
    ]  # fmt: skip
    assert answers == [["it prints a token into the log"], ["it prints a token into the log, encoded"]]


@pytest.mark.parametrize("key", ["script", "before_script", "command", "bash", "pwsh"])
def test_scripts_of_every_ci_system_are_read(key):
    assert asked("ci-token-echoed", of_file(".gitlab-ci.yml", f"a:\n  {key}:\n    - echo $API_TOKEN\n")) == [3]
    assert asked("ci-token-echoed", of_file(".gitlab-ci.yml", "a:\n  name: echo $API_TOKEN\n")) == []


@pytest.mark.parametrize(
    "path",
    [CI, ".github/workflows/x.yaml", "action.yml", ".gitlab-ci.yml", "a/x.gitlab-ci.yml", ".circleci/config.yml",
     "azure-pipelines.yml", "bitbucket-pipelines.yml", ".travis.yml", ".woodpecker/a.yml", ".buildkite/pipeline.yml"],
)  # fmt: skip
def test_files_of_ci_systems_are_known(path):
    assert is_ci_file(path)
    assert is_watched(path)


@given(st.text(max_size=200))
def test_any_text_is_answered(text):
    for path in (CI, MCP, "app.py"):
        for rule in REPOSITORY_CHECKS:
            asked(rule, of_file(path, text))


CLAUDE = ".claude/settings.json"


def permissions(allow, deny=()):
    quoted = ",\n".join(f'"{rule}"' for rule in allow), ", ".join(f'"{rule}"' for rule in deny)
    return f'{{"permissions": {{"allow": [\n{quoted[0]}\n], "deny": [{quoted[1]}]}}}}'


ALL_DENIED = ("Read(./.env)", "Read(./.env.*)")
ALLOWED = {
    "nothing of .env": (permissions(["Bash(npm test *)", "Read(src/**)", "WebFetch"]), []),
    "all reads": (permissions(["Read"]), [2]),
    "all reads with a star": (permissions(["Bash(ls)", "Read(**)"]), [3]),
    "the file": (permissions(["Read(.env)"]), [2]),
    "the file at any depth": (permissions(["Read(**/.env)"]), [2]),
    "the file anywhere": (permissions(["Read(//**/.env)"]), [2]),
    "a pattern of the file": (permissions(["Read(./.env*)"]), [2]),
    "one character": (permissions(["Read(.en?)"]), [2]),
    "another file's end": (permissions(["Read(a.env)"]), []),
    "a write": (permissions(["Write(.env)"]), []),
    "an edit": (permissions(["Edit(/**)"]), [2]),
    "a read of another tool's name": (permissions(["Readable(**)"]), []),
    "a read that is denied": (permissions(["Read(**)"], ALL_DENIED), []),
    "a read of which half is denied": (permissions(["Read(**)"], ["Read(.env)"]), [2]),
    "a read that something else is denied": (permissions(["Read(**)"], ["Edit(src/**)"]), [2]),
    "every command": (permissions(["Bash"]), [2]),
    "every command, though reads are denied": (permissions(["Bash(*)"], ALL_DENIED), [2]),
    "every command of Cursor": (permissions(["Shell(**)"]), [2]),
    "a command that prints": (permissions(["Bash(cat *)"]), [2]),
    "a command that prints, as it was written before": (permissions(["Bash(grep:*)"]), [2]),
    "a command that prints in Cursor": (permissions(["Shell(cat)"]), [2]),
    "a command that prints, and reads are denied": (permissions(["Bash(cat *)"], ALL_DENIED), []),
    "a command that prints the file": (permissions(["Bash(cat .env)"]), [2]),
    "a command that prints another file": (permissions(["Bash(cat README.md)"]), []),
    "a command with such a beginning": (permissions(["Bash(catalogue *)"]), []),
    "no command": (permissions(["WebFetch(cat *)"]), []),
    "no rules": ('{"permissions": {"allow": 3}}', []),
    "no permissions": ('{"permissions": []}', []),
    "no text": ('{"permissions": {"allow": [3, null]}}', []),
    "no rule": (permissions(["(((", ""]), []),
    "not JSON": ("{", ["settings of a coding agent cannot be read as JSON"]),
}  # fmt: skip
HOOKS = {
    "off": ('{\n"disableAllHooks": true}', [2]), "on": ('{"disableAllHooks": false}', []), "nothing": ("{}", []),
    "a list": ("[]", []), "not JSON": ("{", []),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ALLOWED.values(), ids=ALLOWED)
def test_agent_reads_env(text, expected):
    assert asked("agent-reads-env", of_file(CLAUDE, text)) == expected
    assert asked("agent-reads-env", of_file("settings.json", text)) == []


def test_a_user_s_denial_holds_for_a_project_s_allowance():
    project, user = (
        of_file(CLAUDE, permissions(["Read(**)"])),
        of_file("~/.claude/settings.json", permissions([], ALL_DENIED)),
    )
    assert asked("agent-reads-env", RepositoryView(files={**project.files, **user.files})) == []


@pytest.mark.parametrize(("text", "expected"), HOOKS.values(), ids=HOOKS)
def test_agent_hooks_off(text, expected):
    assert asked("agent-hooks-off", of_file(".github/copilot/settings.json", text)) == expected
    assert asked("agent-hooks-off", of_file("settings.json", text)) == []


@pytest.mark.parametrize(
    "path", [".claude/settings.json", "a/.claude/settings.local.json", ".cursor/cli.json", "~/.cursor/cli-config.json",
             ".github/copilot/settings.json", "~/.copilot/settings.json"],
)  # fmt: skip
def test_settings_of_coding_agents_are_watched(path):
    assert is_watched(path)


@given(st.text(alphabet="a: -[]{}&*!|>'\"\n?,<", max_size=60))
def test_any_yaml_is_walked_or_given_up(text):
    read_scalars(text)


@pytest.mark.parametrize(
    ("rule", "view"),
    [
        ("mcp-static-token", of_file(MCP, "/*" * 200_000)),
        ("mcp-static-token", of_file(MCP, '"\\' * 200_000)),
        ("agent-reads-env", of_file(CLAUDE, permissions(["Read(" + "**/" * 3_000 + ".env)"]))),
        ("agent-reads-env", of_file(CLAUDE, permissions(["Read(" + "**" * 3_000 + "x)"]))),
        ("agent-reads-env", of_file(CLAUDE, permissions(["Read(" + "**/**" * 3_000 + "x)"]))),
        ("agent-reads-env", of_file(CLAUDE, permissions(["Read(" + "*?" * 3_000 + "x)"]))),
        ("agent-reads-env", of_file(CLAUDE, permissions(["Read(" + "*a" * 3_000 + ".env)"]))),
        ("callback-url", of_file("a", "callback_url" * 40_000)),
        ("callback-url", of_file("a", "callback_url: " + "a" * 400_000)),
        ("callback-url", of_file("a", "callback_url=https://" + "{" * 2_000)),
        ("ci-token-echoed", of_file(CI, job("echo " + "$(" * 20_000 + "$API_TOKEN"))),
        ("ci-token-echoed", of_file(CI, job("A=" * 20_000 + " echo $API_TOKEN"))),
        ("ci-token-echoed", of_file(CI, job("${{" * 20_000))),
        ("ci-long-lived-key", of_file(CI, "- &a [" + "*a, " * 100_000 + "]")),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_hostile_files_do_not_make_a_rule_slow(rule, view):
    asked(rule, view)


def every_case():
    """All cases of all rules, for the mutants."""
    for path, tracked in ENV:
        yield "env-file-tracked", of_file(path), [0] if tracked else []
    yield "env-file-tracked", of_file(".env", tracked=False), []
    yield "env-file-tracked", of_file(".env", "sops_mac=x"), []
    yield "env-file-ignored", RepositoryView(), []
    yield "env-file-ignored", RepositoryView(with_git=False), ["this is not a git repository"]
    for path, mode, tracked, violated in MODES:
        yield "secret-file-mode", of_file(path, mode=mode, tracked=tracked), [0] if violated else []
    yield "secret-file-mode", of_file("~/.env", mode=0o644), []
    for mode, expected in ((0o600, []), (0o640, [0])):
        yield "vendor-credentials-mode", of_file("~/.descript-cli/config.json", mode=mode), expected
    yield "vendor-credentials-mode", of_file("x", mode=0o644), []
    tables = {
        "agent-reads-env": (CLAUDE, ALLOWED.values()), "agent-hooks-off": (CLAUDE, HOOKS.values()),
        "mcp-static-token": (MCP, SERVERS.values()), "callback-url": ("app.py", CALLBACKS.items()),
        "ci-long-lived-key": (CI, KEYS.values()),
        "ci-token-echoed": (CI, [(echoing(lines, expected), expected) for lines, expected in ECHOES.values()]),
    }  # fmt: skip
    for rule, (path, cases) in tables.items():
        yield from ((rule, of_file(path, text), expected) for text, expected in cases)
        yield rule, of_file("values.yaml", KEYS["Vault's"][0]), []
    home = {"~/.claude/settings.json": permissions([], ALL_DENIED), CLAUDE: permissions(["Read(**)"])}
    yield (
        "agent-reads-env",
        RepositoryView(files={path: FileView(path=path, text=text) for path, text in home.items()}),
        [],
    )
    yield "ci-token-echoed", of_file(CI, "- echo $API_TOKEN"), []
    yield "ci-token-echoed", of_file(CI, "name: echo $API_TOKEN"), []
    for how, expected in LIFETIMES.values():
        yield "presigned-lifetime", url(**how), expected
    for grants, expected in (("read", []), ("more", [7]), ("", ["a pre-signed URL does not contain its permissions"])):
        yield "presigned-read-only", url(grants=grants), expected
    one = url().presigned[0]
    yield "presigned-reused", RepositoryView(presigned=(one, replace(one, digest="e"))), []
    yield "presigned-reused", RepositoryView(presigned=(one, replace(one, path="b.py", line=9))), [9]


def test_every_rule_about_a_repository_is_answered_by_somebody():
    assert {name for name, about in CATALOGUE.items() if about.repository} == set(REPOSITORY_CHECKS)


class TestAssessment:
    view = of_file("tests/.env")

    def made(self, policy):
        return assess_repository(policy, self.view, NOW)

    def test_a_violation_names_its_file(self):
        (found,) = self.made(default_policy()).violations
        assert (found.place, found.severity, found.in_file) == ("tests/.env", Severity.ERROR, True)
        assert found.fix.startswith("git rm --cached tests/.env")

    def test_an_override_for_paths_changes_the_severity(self):
        policy = replace(
            default_policy(),
            overrides=(Override(rule="env-file-tracked", match=RuleSelector(path="tests/*"), severity=Severity.NOTE),),
        )
        assert [each.severity for each in self.made(policy).violations] == [Severity.NOTE]

    def test_a_rule_that_is_off_says_nothing_there(self):
        off = Override(rule="env-file-tracked", match=RuleSelector(path="tests/*"), severity=Severity.OFF)
        assert self.made(replace(default_policy(), overrides=(off,))).violations == ()
        elsewhere = replace(off, match=RuleSelector(path="src/*"))
        assert len(self.made(replace(default_policy(), overrides=(elsewhere,))).violations) == 1

    def test_a_waiver_for_paths_ends_at_its_day(self):
        waiver = PolicyWaiver(
            rule="env-file-tracked", match=RuleSelector(path="tests/*"), owner="a", reason="x", until=NOW + HOUR
        )
        found = self.made(replace(default_policy(), waivers=(waiver,)))
        assert (len(found.violations), len(found.waived)) == (0, 1)
        assert len(self.made(replace(default_policy(), waivers=(replace(waiver, until=NOW),))).violations) == 1
