"""Shapes of tokens that detect-secrets does not know, or knows and drops with the line they stand on.

Each rule is a row of `RULES`. Every repeat has a bound and no two that follow each other share a character, so a
search is linear in the text. `examples` and `not_examples` are templates that the tests fill with random characters.
"""

from tokenguard.frozen import Frozen

UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_NAMES = (
    "DESCRIPT_API_TOKEN|DESCRIPT_API_KEY|DESCRIPT_TOKEN|AUTOPOSTING_API_KEY|"
    "AUTOPOSTING_TOKEN|OP_SERVICE_ACCOUNT_TOKEN|OP_CONNECT_TOKEN|DOPPLER_TOKEN|"
    "CLOUDFLARE_API_TOKEN|VAULT_TOKEN|GITLAB_TOKEN|SENDGRID_API_KEY"
)


class ExtraRule(Frozen, frozen=True, kw_only=True):
    """One shape."""

    type: str
    pattern: str
    """A Python regex, compiled only when its anchor was found; the token is its group `value`, if it has one."""
    anchor: str
    """A byte regex (for RE2) that every match contains; most files are passed over by it."""
    near: str = ""
    """A word, lower case, that must stand within a few lines."""
    only_ci: bool = False
    """Only in files that configure a build."""
    examples: tuple[str, ...] = ()
    not_examples: tuple[str, ...] = ()


def _rule(name: str, pattern: str, anchor: str, **more: object) -> ExtraRule:
    return ExtraRule(type=name, pattern=pattern, anchor=anchor, **more)  # type: ignore[arg-type]


RULES: tuple[ExtraRule, ...] = (
    _rule(
        "Descript API Token",
        rf"(?<![A-Za-z_])dx_bearer_{UUID}(?::|%3[Aa])dx_secret_{UUID}(?![0-9A-Fa-f-])",
        r"dx_bearer_[0-9A-Fa-f]{8}-",
        examples=(
            'key = "dx_bearer_{uuid}:dx_secret_{uuid}"',
            "Authorization: Bearer%20dx_bearer_{uuid}%3Adx_secret_{uuid}",
            'client = Descript(token="dx_bearer_{uuid}:dx_secret_{uuid}")',
        ),
        not_examples=("idx_bearer_{uuid}:dx_secret_{uuid}", "dx_bearer_token:dx_secret_token"),
    ),
    _rule(
        "Descript API Token (half)",
        rf"(?<![A-Za-z_])dx_(?:bearer|secret)_{UUID}(?![0-9A-Fa-f-])",
        r"dx_(?:bearer|secret)_[0-9A-Fa-f]{8}-",
        examples=("dx_secret_{uuid}", "1dx_bearer_{uuid} "),
        not_examples=("hdx_secret_{uuid}", "dx_secret_{hex:32}"),
    ),
    _rule(
        "Descript placeholder token",
        r"(?<![A-Za-z0-9_])dsc_(?P<value>[A-Za-z0-9]{20,128})(?![A-Za-z0-9_])",
        r"dsc_[A-Za-z0-9]{20}",
        near="descript",
        examples=("descript: dsc_{alnum:32}",),
        not_examples=("dsc_your_token_here", "dsc_{alnum:32}"),
    ),
    _rule(
        "Autoposting API Key",
        r"(?<![A-Za-z0-9_-])sk-social-[A-Za-z0-9]{32,128}(?![A-Za-z0-9])",
        r"sk-social-[A-Za-z0-9]{32}",
        examples=('"x-api-key": "sk-social-{alnum:64}"', "sk-social-{alnum:32}"),
        not_examples=("risk-social-{alnum:64}", "sk-social-{alnum:12}"),
    ),
    _rule(
        "Autoposting API Key (live)",
        r"(?<![A-Za-z0-9_-])ap_live_[A-Za-z0-9]{16,128}(?![A-Za-z0-9])",
        r"ap_live_[A-Za-z0-9]{16}",
        near="autoposting",
        examples=("autoposting = ap_live_{alnum:24}",),
        not_examples=("map_live_{alnum:24} autoposting", "ap_live_{alnum:24}"),
    ),
    _rule(
        "GitHub Token",
        r"(?<![A-Za-z0-9_])(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?![A-Za-z0-9_])",
        r"(?:gh[pousr]_[A-Za-z0-9]{30}|github_pat_)",
        examples=('client = Client("ghp_{alnum:36}")', "github_pat_{alnum:22}_{alnum:59}"),
        not_examples=("ghp_{alnum:12}",),
    ),
    _rule(
        "GitLab Token",
        r"(?<![A-Za-z0-9_-])gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-(?P<value>[A-Za-z0-9_-]{20,300}"
        r"(?:\.[0-9a-z]{2}(?:\.[0-9a-z]{9}|[0-9a-z]{7}))?)(?![A-Za-z0-9_-])",
        r"gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-[A-Za-z0-9_\x2d]{20}",
        examples=('connect(token="glpat-{alnum:20}")', "glcbt-{alnum:20}"),
        not_examples=("xglpat-{alnum:20}", "glpat-{alnum:9}"),
    ),
    _rule(
        "AWS Access Key",
        r"(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Z0-9])",
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",
        examples=('session.client("AKIA{base32:16}")',),
        not_examples=("AKIA{base32:15}", "XAKIA{base32:16}"),
    ),
    _rule(
        "Slack Token",
        r"(?<![A-Za-z0-9-])xox[abposr]-[0-9]{8,16}-(?P<value>[0-9A-Za-z-]{20,120})(?![A-Za-z0-9-])",
        r"xox[abposr]-[0-9]{8}",
        examples=('slack(token="xoxb-{digit:12}-{alnum:32}")',),
        not_examples=("xoxb-{alnum:4}",),
    ),
    _rule(
        "Stripe Access Key",
        r"(?<![A-Za-z0-9_])[rs]k_live_[0-9A-Za-z]{24,128}(?![0-9A-Za-z])",
        r"[rs]k_live_[0-9A-Za-z]{24}",
        examples=('Stripe(key="sk_live_{alnum:24}")',),
        not_examples=("sk_live_{alnum:8}",),
    ),
    _rule(
        "SendGrid API Key",
        r"(?<![A-Za-z0-9_.])SG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39,50}(?![A-Za-z0-9_-])",
        r"SG\.[A-Za-z0-9_\x2d]{20}",
        examples=('Mail("SG.{alnum:22}.{alnum:43}")',),
        not_examples=("SG.{alnum:5}.{alnum:43}",),
    ),
    _rule(
        "Cloudflare API Token",
        r"(?<![A-Za-z0-9_])cf(?:k|ut|at)_[A-Za-z0-9]{40}[a-f0-9]{8}(?![A-Za-z0-9])",
        r"cf(?:k|ut|at)_[A-Za-z0-9]{40}",
        examples=("token: cfut_{alnum:40}{hex:8}", "cfat_{alnum:40}{hex:8}"),
        not_examples=("cfut_{alnum:20}",),
    ),
    _rule(
        "Doppler Token",
        r"(?<![A-Za-z0-9_.])dp\.(?:ct|pt|st(?:\.[a-z0-9_-]{2,35})?|sa|scim|audit)\.[A-Za-z0-9]{40,44}(?![A-Za-z0-9])",
        r"dp\.(?:ct|pt|st|sa|scim|audit)\.",
        examples=("dp.pt.{alnum:43}", "dp.st.prd.{alnum:43}"),
        not_examples=("dp.pt.{alnum:20}",),
    ),
    _rule(
        "1Password Service Account Token",
        r"(?<![A-Za-z0-9_])ops_eyJ[A-Za-z0-9+/]{250,4000}={0,3}(?![A-Za-z0-9])",
        r"ops_eyJ[A-Za-z0-9+/]{100}",
        examples=("ops_eyJ{alnum:300}",),
        not_examples=("ops_eyJ{alnum:60}",),
    ),
    _rule(
        "Vault Token",
        r"(?<![A-Za-z0-9_.])(?:hvs\.[A-Za-z0-9_-]{24,120}|hvb\.[A-Za-z0-9_-]{138,300})(?![A-Za-z0-9_-])",
        r"hv[sb]\.[A-Za-z0-9_\x2d]{24}",
        examples=("vault login hvs.{alnum:95}", "hvb.{alnum:150}"),
        not_examples=("hvs.{alnum:10}",),
    ),
    _rule(
        "Session JWT in CI",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{20,1000}(?![A-Za-z0-9_-])",
        r"eyJ[A-Za-z0-9_\x2d]{10}",
        only_ci=True,
        examples=("SESSION: eyJ{alnum:20}.eyJ{alnum:40}.{alnum:43}",),
        not_examples=("eyJ{alnum:20}",),
    ),
    _rule(
        "Token in a known variable",
        rf"(?<![A-Za-z0-9])(?:{_NAMES})(?![A-Za-z0-9_])[\"']?[ \t]{{0,8}}(?:[:=][ \t]{{0,8}}|[ \t])[\"']?"
        r"(?P<value>[A-Za-z0-9+/=_:.~%-]{20,512})(?![A-Za-z0-9({$])",
        rf"(?:{_NAMES})",
        examples=(
            "export DESCRIPT_API_TOKEN={alnum:40}",
            "ENV DESCRIPT_API_KEY {alnum:40}",
            '"AUTOPOSTING_API_KEY": "{alnum:40}"',
        ),
        not_examples=(
            "DESCRIPT_API_TOKEN=${{ secrets.DESCRIPT_API_TOKEN }}",
            'DESCRIPT_API_TOKEN = os.environ["DESCRIPT_API_TOKEN_PRODUCTION"]',
            "DESCRIPT_API_TOKEN=your-descript-api-token-here",
            "DESCRIPT_API_TOKEN: video/publisher/prod/upload-token",
        ),
    ),
)
