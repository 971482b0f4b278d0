"""Secrets that commands and functions take as an argument: `-p` of a database client, the last string of a login.

The places are those that the programs' own manuals name. A reference to a variable is none.
"""

import re
from collections.abc import Iterator
from functools import cache

from tokenguard.detection.secret_names import may_be_secret
from tokenguard.detection.secret_places import SecretPlace

_WORD = (
    r"(?:\"(?P<double>[^\"\n]{4,200})\"|'(?P<single>[^'\n]{4,200})'"
    r"|(?P<bare>[^\s\"'|;&<>`$(){}]{4,200})(?=[\s\"'`|;&)\\]|\Z))"
)
_QUOTED = r"[@$bruLN]{0,2}\\?(?:\"(?P<double>[^\"\n\\]{4,200})\\?\"|'(?P<single>[^'\n\\]{4,200})\\?')"
_FROM_THERE = r"[^\n|;&]{0,300}?(?<=[ \t])"
_ARGUMENTS = r"(?:[^,()\n]{0,120}(?:\([^()\n]{0,80}\))?[^,()\n]{0,40},[ \t]{0,8})"
_CONNECT = r"(?:getConnection|\bdatabase|Sequelize|\b[cC]onnect|\bPDO|mysqli(?:_connect)?|mysql_connect)\("
_PORT = r"(?:\d{2,5}|port),[ \t]{0,8}"
"""The second argument of some connections; a name and a password follow."""
_LOGIN = r"[bu]?[\"'\x60][^\s:\"'\x60]{1,60}:(?P<bare>[^\s\"'\x60]{4,200})[\"'\x60]"
"""Of a header, before it is encoded."""
_COMMANDS: tuple[tuple[str, str], ...] = (
    (r"\b(?:mysql|mariadb)[a-z_-]{0,20}[ \t]", rf"{_FROM_THERE}-p{_WORD}"),
    (r"\bsshpass[ \t]{1,4}-p", rf"[ \t]*{_WORD}"),
    (r"\bldap(?:search|modify|add|delete|whoami|passwd|compare|modrdn)[ \t]", rf"{_FROM_THERE}-w[ \t]*{_WORD}"),
    (r"\b(?:redis|valkey)-cli[ \t]", rf"{_FROM_THERE}(?:-a|--pass)[ \t]+{_WORD}"),
    (r"\blogin[ \t](?:[^\n|;&]{0,300}[ \t])?-p(?:[ \t]|=)", rf"[ \t]*{_WORD}"),
    (r"\bnet[ \t]{1,4}use[ \t]", rf"[^\n]{{0,80}}?\\\\[^\s]{{2,80}}[ \t]+(?![/*\"]){_WORD}"),
    (
        r"\b(?:smbclient|rpcclient|smbmap)[ \t]",
        r"[^\n]{0,200}?-U[ \t]*[\"']?[^\s%\"']{1,60}%(?P<bare>[^\s\"'$]{4,200})",
    ),
    (r"[ \t]-(?:store|key|deststore|destkey|srcstore|srckey)pass[ \t]", rf"[ \t]*{_WORD}"),
    (r"-pass(?:in|out)?[\"', \t=]{1,8}pass:", r"(?P<bare>[^\s\"'$`]{4,200})"),
    (r"\b(?:zip|7z|7za)[ \t]", rf"{_FROM_THERE}(?:-P[ \t]+|(?<=\w[ \t])-p){_WORD}"),
    (r"\b(?:sqlcmd|bcp|osql)[ \t]", rf"{_FROM_THERE}-P[ \t]*{_WORD}"),
    (r"\b(?:mongo(?:sh|dump|restore|export|import)?|clickhouse-client)[ \t]", rf"{_FROM_THERE}-p[ \t]*{_WORD}"),
    (r"\bipmitool[ \t]", rf"{_FROM_THERE}-P[ \t]+{_WORD}"),
    (r"\blftp[ \t]", r"[^\n]{0,200}?-u[ \t]+[\"']?[^\s,\"']{1,60},(?P<bare>[^\s\"'$]{4,200})"),
    (r"\bhttps?[ \t]{1,4}[^\n]{0,40}(?:-a|--auth)[ \t=]", r"[ \t]*[\"']?[^\s:\"']{1,80}:(?P<bare>[^\s\"'$]{4,200})"),
    (r"\b(?:sqlplus|sqlldr|impdp|expdp|rman|thin:)", r"[^\n]{0,80}?[\w.]{1,40}/(?P<bare>[^\s/@\"'$]{4,120})@"),
    (r"\bpasswd/[\w-]{2,20}password(?:-again)?[ \t]{1,8}password[ \t]", rf"[ \t]*{_WORD}"),
    (r"\brootpw[ \t]", rf"(?:[ \t]*--(?:plaintext|allow-ssh|lock)[ \t])+[ \t]*{_WORD}"),
    (r"\bcache_peer[ \t]", rf"{_FROM_THERE}login=[^\s:]{{1,60}}:(?P<bare>[^\s\"'$]{{4,200}})"),
    (r"\bnet[ \t]{1,4}user[ \t]", rf"[ \t]*[^\s/]{{1,60}}[ \t]+(?![/*\"]){_WORD}"),
    (r"\b[pP][sS][eE]xec(?:64)?(?:\.exe)?[ \t]", rf"{_FROM_THERE}-p[ \t]+{_WORD}"),
    (r"\b[sS]chtasks(?:\.exe)?[ \t]", rf"[^\n]{{0,300}}?/(?:rp|RP)[ \t]+{_WORD}"),
    (r"\bsecret[ \t]{1,4}set[ \t]", rf"{_FROM_THERE}(?:-b|--body)(?:[ \t]+|=){_WORD}"),
    (
        r"\b(?:SecureString|keyvault[ \t]{1,4}secret[ \t]{1,4}set)[ \t]",
        rf"(?:{_FROM_THERE})?--value(?:[ \t]+|=){_WORD}",
    ),
    (r"\bstats[ \t]{1,4}auth[ \t]", r"[ \t]*[^\s:]{1,60}:(?P<bare>[^\s\"'$]{4,200})"),
    (r"\bopenssl[ \t]{1,4}(?:enc|aes[\w-]{2,20}|des3)[ \t]", rf"{_FROM_THERE}-k[ \t]+{_WORD}"),
    (r"\br[ow]community6?[ \t]", rf"[ \t]*{_WORD}"),
    (r"\brabbitmqctl[ \t]{1,4}(?:add_user|change_password)[ \t]", rf"[ \t]*[\w.-]{{1,60}}[ \t]+{_WORD}"),
    (r"\bhttp-basic\.[\w.-]{1,80}[ \t]", rf"[ \t]*[^\s-]\S{{0,80}}[ \t]+{_WORD}"),
    (r"\bvault[ \t]{1,4}login[ \t]", rf"[ \t]*(?![-\w]*=){_WORD}"),
    (r"\bhtpasswd[ \t]", rf"[^\n]{{0,40}}?-\w{{0,4}}b\w{{0,4}}[ \t]+\S+[ \t]+\S+[ \t]+{_WORD}"),
)
_CALLS: tuple[tuple[str, str], ...] = (
    (r"ConvertTo-SecureString[ \t]", rf"[ \t]*(?:-String[ \t]+|-AsPlainText[ \t]+|-Force[ \t]+){{0,3}}{_QUOTED}"),
    (
        (
            r"(?:NetworkCredential|PlainCredentials|Credentials\.basic|BasicAuth|PasswordAuthentication|UsernamePasswordCredentials|basic_auth|basicAuth"
            r"|db\.auth|WiFi\.begin|\b(?:auth|credentials)[ \t]{0,2}=[ \t]{0,2}|login_user"
            r"|login_with_password)\(|[\"']auth[\"'][ \t]=>[ \t]\["
        ),
        rf"[ \t]*{_ARGUMENTS}(?:Some\([ \t]*)?{_QUOTED}",
    ),
    (r"\b(?:PlainAuth|keyring\.set_password)\(", rf"[ \t]*{_ARGUMENTS}{{2}}{_QUOTED}"),
    (r"\bbasic_auth[ \t]{1,4}[\"']", rf"[^\"'\n]{{1,80}}[\"'],[ \t]*{_QUOTED}"),
    (r"(?:\b(?:jwt|JWT)\.(?:encode|sign|decode|verify)|createHmac)\(", rf"[ \t]*{_ARGUMENTS}{_QUOTED}"),
    (r"\b(?:hmacShaKeyFor|SecretKeySpec|cookieParser|AES\.new)\(", rf"[ \t]*{_QUOTED}"),
    (_CONNECT, rf"[ \t]*(?!{_ARGUMENTS}{_PORT}){_ARGUMENTS}{{2}}{_QUOTED}"),
    (_CONNECT, rf"[ \t]*{_ARGUMENTS}{_PORT}{_ARGUMENTS}{_QUOTED}"),
    (r"(?i:\bidentified[ \t]{1,4}(?:with[ \t]{1,4}\S{1,60}[ \t]{1,4})?by)", rf"[ \t]+(?i:password[ \t]+)?{_QUOTED}"),
    (r"(?i:\bset[ \t]{1,4}password[ \t]{1,4}for[ \t])", rf"[^\n=]{{1,120}}=[ \t]*{_QUOTED}"),
    (r"(?i:\bpassword[ \t]{0,4}=[ \t]{0,4}N)'", r"(?P<bare>[^'\n]{4,200})'"),
    (r"\w\.login\(", rf"[ \t]*{_ARGUMENTS}{_QUOTED}[ \t]*[,)]"),
    (
        r"\b(?:omniauth|provider)[ \t(]{1,4}:\w{2,40},",
        rf"[ \t]*[\"'][^\"'\n]{{1,200}}[\"'],[ \t]*{_QUOTED}",
    ),
    (r"\bPSK[ \t]{1,4}[\"']", r"(?P<bare>[^\"'\s]{6,200})"),
    (
        r"(?:\b(?:btoa|b64encode|base64_encode|base64encode|(?:strict_|urlsafe_)?encode64)|[eE]ncodeToString|ToBase64String)\(",
        rf"[^\"'\n]{{0,60}}{_LOGIN}",
    ),
    (r"\bBuffer(?:\.from)?\(", rf"[ \t]*{_LOGIN}[^\n]{{0,20}}\)\.toString\([\"'\x60]base64"),
    (r"(?i:;[ \t]?(?:pwd|password)=\{)", r"(?P<bare>(?!\w+\})[^{}$\s\"']{4,200})\}"),
    (
        r"[\"'](?:--)?[\w.-]{0,40}(?i:passw(?:or)?d|secret|token|(?:api|secret|access)[_-]?key)[\"'],",
        rf"(?:(?![\"']-)[^()\n]){{0,120}}?\bdefault(?:Value)?[ \t]{{0,4}}[:=][ \t]{{0,4}}{_QUOTED}",
    ),
)
_PIPED = (
    r"--(?:password|token|secret)-stdin|--with-token|\bchpasswd\b|\|[ \t]*base64\b|\bsecrets?[ \t]{1,4}(?:create|put)\b"
    r"|\bkinit\b|\bsudo[ \t]{1,4}-S\b"
)
_IS_PIPED = re.compile(_PIPED)
_BEFORE_PIPE = re.compile(
    r"(?:echo|printf)[ \t]+(?:-[ne]{1,2}[ \t]+)?(?:[\"']?%s(?:\\n)?[\"']?[ \t]+)?[\"']?"
    r"(?:[\w.-]{1,40}:(?=[^\n]*(?:chpasswd|base64)\Z)|(?![^\n]*base64\Z))"
    r"(?P<bare>[^\s\"'|$`\\]{6,400})(?:\\n)?[\"']?[ \t]*\|[^\n|]*\Z"
)
_ADDRESS = r"[\"'\x60=][\w.-]{1,60}:[^\s\"'\x60@/:]{4,120}@(?:tcp|unix)\("
"""A login and its server, as drivers of Go take them."""
_IN_ADDRESS = re.compile(r"[^:]{2,61}:(?P<bare>[^@]{4,120})")
HEADS = (*dict.fromkeys(head for head, _ in (*_COMMANDS, *_CALLS)), _PIPED, _ADDRESS)
ARGUMENT_PATTERN = "|".join(f"(?:{head})" for head in HEADS)
"""The beginning of a command or a call that takes a secret."""
_WINDOW = 600
_REFERENCE = re.compile(r"[%$<\[{*-]|.*[$`]")
_FILES = re.compile(r"[./~].*|.*\.(?:sql|gz|zip|txt|sh|ya?ml|json|pem|key)$|(?:stdin|env|file|fd|prompt):?.*")


def secret_arguments(data: bytes, start: int, end: int) -> Iterator[SecretPlace]:
    """What the command or call takes that begins with `data[start:end]`."""
    head = data[start:end].decode("latin-1")
    if _IS_PIPED.fullmatch(head):
        begin = max(data.rfind(b"\n", 0, start) + 1, start - _WINDOW)
        yield from _checked(_BEFORE_PIPE.search(data[begin:end].decode("latin-1")), begin)
        return
    if head.endswith("("):
        yield from _checked(_IN_ADDRESS.match(head), start)
    stop = data.find(b"\n", end)
    rest = data[end : min(stop if stop >= 0 else len(data), end + _WINDOW)].decode("latin-1")
    for pattern in _patterns(head):
        yield from _checked(pattern.match(rest), end)


def _checked(found: re.Match[str] | None, offset: int) -> Iterator[SecretPlace]:
    if found is None:
        return
    kind = found.lastgroup or "bare"
    value = found[kind].encode("latin-1").decode("utf-8", "replace")
    if may_be_secret(value, "password", quoted=True) and not _REFERENCE.match(value) and not _FILES.fullmatch(value):
        yield SecretPlace(offset + found.start(kind), offset + found.end(kind), "password", value)


def _patterns(head: str) -> Iterator[re.Pattern[str]]:
    """What follows this beginning."""
    for begins, pattern in _compiled():
        if begins.fullmatch(head):
            yield pattern


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    return tuple((re.compile(head), re.compile(pattern)) for head, pattern in (*_COMMANDS, *_CALLS))
