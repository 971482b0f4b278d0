"""Which files of a repository a rule asks about, told by their paths alone."""

import re

_EXAMPLES = frozenset({"example", "sample", "template", "tmpl", "dist", "defaults", "schema", "ci"})
_ENCRYPTED = frozenset({"enc", "gpg", "age", "sops", "vault", "asc"})
_SECRET_NAMES = frozenset(
    {".netrc", "_netrc", ".pypirc", ".vault-token", ".pgpass", ".htpasswd", "credentials.json", "id_rsa", "id_ed25519",
     "id_ecdsa", "id_dsa"}
)  # fmt: skip
# Patterns as text: the hook loads this package for every commit, and few commits need one compiled.
_MCP = (
    r"(?:.*/)?(?:\.?mcp\.json|claude_desktop_config\.json|mcp_config\.json"
    r"|\.(?:cursor|vscode|roo|kiro)/(?:settings/)?mcp\.json|\.(?:vscode|gemini)/settings\.json|\.claude\.json)"
)
_CI = (
    r"\.github/workflows/[^/]+\.ya?ml|(?:.*/)?action\.ya?ml|(?:.*[./])?\.?gitlab-ci\.ya?ml|\.gitlab/ci/.+\.ya?ml"
    r"|\.circleci/config\.ya?ml|\.?azure-pipelines\.ya?ml|bitbucket-pipelines\.ya?ml|\.(?:travis|drone)\.ya?ml"
    r"|\.woodpecker(?:/[^/]+)?\.ya?ml|\.buildkite/[^/]+\.ya?ml"
)
_AGENT_SETTINGS = (
    r"(?:.*/)?(?:\.claude/settings(?:\.local)?|\.cursor/cli(?:-config)?"
    r"|\.(?:github/)?copilot/settings(?:\.local)?)\.json"
)
VENDOR_CREDENTIALS = (".descript-cli/config.json", ".config/autoposting/credentials.json")
"""Where vendors' own programs keep a login, below the user's home."""
HOME_MCP = (
    ".cursor/mcp.json",
    ".config/Claude/claude_desktop_config.json",
    "Library/Application Support/Claude/claude_desktop_config.json",
    ".claude.json",
)
"""Where MCP clients keep their servers, below the user's home."""
HOME_AGENT_SETTINGS = (".claude/settings.json", ".cursor/cli-config.json", ".copilot/settings.json")
"""Where coding agents keep the settings of their user, below the home."""


def is_env_file(path: str) -> bool:
    """Whether it is a file of environment variables that may hold values: not an example, and not encrypted."""
    name = path.rpartition("/")[2]
    if name != ".env" and not name.startswith((".env.", ".envrc")):
        return False
    return not _EXAMPLES.union(_ENCRYPTED).intersection(name.split("."))


def is_secret_file(path: str) -> bool:
    """Whether it is a file that only its owner should be able to read."""
    name = path.rpartition("/")[2]
    return is_env_file(path) or name in _SECRET_NAMES or name.endswith((".pem", ".key", ".p12", ".pfx"))


def is_mcp_config(path: str) -> bool:
    """Whether an MCP client reads its servers from it."""
    return re.fullmatch(_MCP, path) is not None


def is_agent_settings(path: str) -> bool:
    """Whether a coding agent reads its permissions, or what runs beside it, from this file."""
    return re.fullmatch(_AGENT_SETTINGS, path) is not None


def is_ci_file(path: str) -> bool:
    """Whether a CI system runs what it says."""
    return re.fullmatch(_CI, path) is not None


def may_hold_callback(data: bytes) -> bool:
    """Whether a content may set a URL for callbacks."""
    return b"allback" in data or b"ALLBACK" in data


def is_watched(path: str) -> bool:
    """Whether a rule asks for this file by its name; quick, since it is asked of every file that is committed."""
    name = path.rpartition("/")[2]
    if name.startswith(".env"):
        return is_env_file(path)
    if name.endswith(".json"):
        return is_mcp_config(path) or is_agent_settings(path)
    return name.endswith((".yml", ".yaml")) and is_ci_file(path)
