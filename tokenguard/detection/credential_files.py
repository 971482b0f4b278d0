"""Files that programs keep logins in, known by their names, and where in each the secret stands.

The places are those that the programs' own manuals name (netrc(5), pgpass in PostgreSQL's docs, npmrc, pypirc, Maven's
settings, wp-config.php, Docker's config.json, kubeconfig, htpasswd(5), git-credential-store(1)).
"""

import re
from collections.abc import Iterator
from functools import cache

from tokenguard.detection.stand_ins import is_kept_elsewhere, is_placeholder
from tokenguard.frozen import Frozen

_REFERENCE = re.compile(
    r"^(?:[$%][A-Z_{(].*|[{<].*|\**|(?i:(?:process\.)?env[:.].*|x+|.*(?:example|placeholder|change_?me|your[-_]|password_here).*))$"
)
_LEAST = 6


class CredentialPlace(Frozen, frozen=True):
    """`text[start:end]` is the secret of a login."""

    start: int
    end: int
    type: str


_FILES: tuple[tuple[str, str, str, str], ...] = (
    ("netrc", r"[._]netrc", r"(?m)(?:^|[ \t])(?:password|passwd)[ \t\n]+(?P<value>[^\s#]+)", "Password in .netrc"),
    ("pgpass", r"\.?pgpass(?:\.conf)?", r"(?m)^(?!#)(?:[^:\n]*:){4}(?P<value>[^:\n]+)$", "Password in .pgpass"),
    (".npmrc", r"\.npmrc", r"(?m)(?:_auth(?:Token)?|_password)[ \t]*=[ \t]*\"?(?P<value>[^\s\"]+)", "npm login"),
    (
        ".yarnrc.yml",
        r"\.yarnrc\.yml",
        r"npmAuth(?:Ident|Token)[\"']?[ \t]*:[ \t]*[\"']?(?:[^\s:\"'$]+:)?(?P<value>[^\s\"']+)",
        "npm login",
    ),
    (
        "sssd",
        r"(?:sssd[\w-]*\.conf(?:\.\w+)?|sssd/conf\.d/[\w.-]+)",
        r"(?m)^[ \t]*ldap_default_authtok[ \t]*=[ \t]*(?P<value>\S+)",
        "Password in sssd.conf",
    ),
    (".pypirc", r"\.pypirc", r"(?m)^[ \t]*password[ \t]*[=:][ \t]*(?P<value>\S+)", "Password in .pypirc"),
    (
        "settings",
        r"settings(?:-security)?\.xml",
        r"<(?:password|passphrase|master)>(?P<value>[^<\s]+)</",
        "Password in settings.xml",
    ),
    (
        "wp-config.php",
        r"wp-config\.php",
        r"define\(\s*['\"](?:DB_PASSWORD|[A-Z_]+_(?:KEY|SALT))['\"]\s*,\s*['\"](?P<value>[^'\"]+)['\"]",
        "Secret in wp-config.php",
    ),
    (
        ".docker",
        r"(?:\.dockerconfigjson|\.dockercfg|\.docker/config\.json)",
        r"\"auth\"\s*:\s*\"(?P<value>[^\"]+)\"",
        "Docker login",
    ),
    (
        "kube",
        r"(?:\.kube/config|[\w.-]*kubeconfig[\w.-]*)",
        r"(?m)(?:client-key-data|token|password)[\"']?:[ \t]*[\"']?(?P<value>[^\s\"']+)",
        "Login in kubeconfig",
    ),
    (
        "terraform",
        r"(?:\.terraformrc|terraform\.rc)",
        r"\"?token\"?\s*[=:]\s*\"(?P<value>[^\"]+)\"",
        "Token in Terraform's credentials",
    ),
    (
        "credentials.tfrc.json",
        r"credentials\.tfrc\.json",
        r"\"?token\"?\s*[=:]\s*\"(?P<value>[^\"]+)\"",
        "Token in Terraform's credentials",
    ),
    ("htpasswd", r"\.?htpasswd", r"(?m)^[^:#\s]+:(?P<value>(?:\$|\{SHA\})\S+)$", "Password hash in .htpasswd"),
    (
        ".git-credentials",
        r"\.git-credentials",
        r"(?m)^https?://[^:/@\s]+:(?P<value>[^@\s]+)@",
        "Password in .git-credentials",
    ),
    ("my.cnf", r"\.?my\.cnf", r"(?m)^[ \t]*password[ \t]*=[ \t]*[\"']?(?P<value>[^\s\"']+)", "Password in my.cnf"),
    (".s3cfg", r"\.s3cfg", r"(?m)^[ \t]*secret_key[ \t]*=[ \t]*(?P<value>\S+)", "Secret key in .s3cfg"),
    (
        "rclone.conf",
        r"rclone\.conf",
        r"(?m)^[ \t]*(?:pass|password|token|secret_access_key)[ \t]*=[ \t]*(?P<value>.+)$",
        "Login in rclone.conf",
    ),
    (
        ".xml",
        r"(?:filezilla|recentservers|sitemanager)\.xml",
        r"<Pass[^>]*>(?P<value>[^<]+)</Pass>",
        "Password in FileZilla's servers",
    ),
    (
        "curlrc",
        r"[._]curlrc",
        r"(?m)^[ \t]*-{0,2}(?:proxy-)?user[ \t=:]+\"?[^:\s\"]+:(?P<value>[^\s\"]+)",
        "Login in .curlrc",
    ),
    (
        ".bundle/config",
        r"\.bundle/config",
        r"(?m)^BUNDLE_[A-Z0-9_]+:[ \t]*[\"']?[^:\s\"'/]+:(?P<value>[^\s\"'/]+)",
        "Login in Bundler's configuration",
    ),
    ("userlist.txt", r"userlist\.txt", r"(?m)^\"[^\"\n]+\"[ \t]+\"(?P<value>[^\"\n]+)\"", "Password of PgBouncer"),
    ("rsyncd", r"rsyncd\.(?:secrets|passwd)", r"(?m)^[^#:\s]+:(?P<value>\S+)$", "Password of rsync"),
    (
        "-secrets",
        r"(?:chap|pap)-secrets",
        r"(?m)^[^#\s]+[ \t]+\S+[ \t]+\"?(?P<value>[^\s\"]+)",
        "Password of PPP",
    ),
    ("config/master.key", r"config/master\.key", r"(?P<value>[0-9a-f]{32})", "Master key of Rails"),
    (
        "config/credentials/",
        r"config/credentials/[\w-]+\.key",
        r"(?P<value>[0-9a-f]{32})",
        "Master key of Rails",
    ),
    (".vault-token", r"\.vault-token", r"(?P<value>\S+)", "Vault login"),
)
"""What every such path contains, its end, where the secret stands in the file, and what a finding is called."""
_PARTS = tuple(part for part, *_ in _FILES)
NAMES = tuple(name for _, name, *_ in _FILES)
"""Expressions for the ends of their paths."""


def is_credential_file(path: str) -> bool:
    """Whether programs keep logins in files of this name."""
    if not any(map(path.__contains__, _PARTS)):  # compiling the names costs a commit more than this
        return False
    return _name().search(path) is not None


def credential_places(text: str, path: str) -> Iterator[CredentialPlace]:
    """Every secret in a file of this name; references to variables and placeholders are none."""
    for _, name, pattern, kind in _FILES if is_credential_file(path) else ():
        if re.search(rf"(?:^|/){name}$", path) is None:
            continue
        for found in re.finditer(pattern, text):
            value = found.group("value")
            if len(value) >= _LEAST and not (
                is_reference(value) or is_placeholder(value) or is_kept_elsewhere(value, "")
            ):
                yield CredentialPlace(found.start("value"), found.end("value"), kind)


def is_reference(value: str) -> bool:
    """Whether a value names a variable, or is a placeholder."""
    return _REFERENCE.match(value) is not None


@cache
def _name() -> re.Pattern[str]:
    return re.compile(rf"(?:^|/)(?:{'|'.join(NAMES)})$")
