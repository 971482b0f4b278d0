"""Ways in which people and programs write a token other than as it is, made for a value at run time.

`COVERED` must all be found. `NOT_COVERED` are known limits: documentation names them, and a test says so when one is found.
"""

import base64
import binascii
import bz2
import gzip
import html
import io
import json
import lzma
import quopri
import textwrap
import zipfile
import zlib
from collections.abc import Callable

Write = Callable[[str], str | bytes]


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def padded(token: str) -> str:
    return b64("x" * 50 + token + "y" * 40)


def lines(text: str, width: int = 60) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


def each(token: str, form: str, glue: str = "") -> str:
    return glue.join(form.format(c=char, n=ord(char)) for char in token)


def thirds(token: str) -> tuple[str, str, str]:
    return token[:9], token[9:20], token[20:]


def cut(token: str, glue: str, around: str = '"') -> str:
    return "x = " + around + glue.join(thirds(token)) + around


def dump(token: str, form: str = "xxd", before: bytes = b"user=alex\nkey=") -> str:
    data = before + token.encode() + b"\nend of it\n"
    rows = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        digits = row.hex()
        if form == "xxd":
            rows.append(f"{at:08x}: {' '.join(lines(digits, 4)):<39}  {shown}")
        elif form == "hexdump":
            rows.append(f"{at:08x}  {' '.join(lines(digits[:16], 2))}  {' '.join(lines(digits[16:], 2))}  |{shown}|")
        else:
            rows.append(f"{at:06x} {' '.join(lines(digits, 2))}")
    return "\n".join(rows) + "\n"


def math_letters(token: str) -> str:
    return "".join(chr(0x1D41A + ord(c) - 97) if c.islower() else chr(0x1D400 + ord(c) - 65) if c.isupper() else c for c in token)  # fmt: skip


def wide(token: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) for char in token)


def wrapped(value: str, glue: str) -> str:
    return glue.join(lines(padded(value)))


def pdf(token: str) -> bytes:
    """A document with a picture, and the token in a compressed text."""
    picture = zlib.compress(bytes(200_000))
    text = zlib.compress((f"BT (The key is {token}.) Tj ET\n" * 2).encode())
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Subtype /Image /Filter /FlateDecode >>\nstream\n" + picture + b"\nendstream\nendobj\n"
        b"2 0 obj\n<< /Filter /FlateDecode >>\nstream\n" + text + b"\nendstream\nendobj\ntrailer\n<< >>\n%%EOF\n"
    )


def zipped(name: str, text: str) -> bytes:
    """A document of an office program."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return held.getvalue()


COVERED: dict[str, Write] = {
    "quoted": lambda t: f'key = "{t}"',
    "url query": lambda t: f"https://example.net/y?token={t}&z=1",
    "glued": lambda t: f"abc{t}def",
    "glued by underscores": lambda t: f"prefix_{t}_suffix",
    "bearer": lambda t: f"Authorization: Bearer {t}",
    "userinfo": lambda t: f"https://user:{t}@example.net/",
    "markdown": lambda t: f"**`{t}`**",
    "xml": lambda t: f"<key>{t}</key>",
    "shell variable": lambda t: f"export KEY={t}; run",
    "curl header": lambda t: f"curl -H 'X-Key: {t}' https://example.net",
    "csv": lambda t: f"1,{t},2",
    "after a zero": lambda t: b"\0\1" + t.encode() + b"\0",
    "base64": b64,
    "base64, one byte later": lambda t: b64("x" + t),
    "base64, two bytes later": lambda t: b64("xy" + t),
    "base64 url-safe": lambda t: base64.urlsafe_b64encode(b"\xff\xfe" + t.encode()).decode(),
    "base64 without padding": lambda t: b64(t).rstrip("="),
    "basic auth": lambda t: "Basic " + b64(f"user:{t}"),
    "base64 of json": lambda t: b64(json.dumps({"a": 1, "t": t})),
    "base64 twice": lambda t: b64(b64(t)),
    "base64 of a PDF": lambda t: b64(pdf(t)),
    "base64 of a zip": lambda t: b64(zipped("xl/sharedStrings.xml", f"<w:t>The key is {t}.</w:t>" * 2)),
    "base64 data url": lambda t: "data:text/plain;base64," + b64(f"key={t}\n"),
    "base64 of utf-16": lambda t: b64(f'x="{t}"'.encode("utf-16-le")),
    "base64 of hex": lambda t: b64(t.encode().hex()),
    "base64 of percent": lambda t: b64(each(t, "%{n:02X}")),
    "hex of base64": lambda t: b64(t).encode().hex(),
    "percent of base64": lambda t: "".join(f"%{byte:02X}" for byte in b64(t).encode()),
    "json escapes in base64": lambda t: b64(each(t, "\\u{n:04x}")),
    "wrapped base64": lambda t: base64.encodebytes(b"x" * 50 + t.encode() + b"y" * 40).decode(),
    "wrapped base64 in a comment": lambda t: wrapped(t, "\n# "),
    "wrapped base64, quoted mail": lambda t: wrapped(t, "\n> "),
    "wrapped base64, carriage returns": lambda t: wrapped(t, "\r\n"),
    "wrapped base64 in YAML": lambda t: "data: |\n    " + wrapped(t, "\n    "),
    "wrapped base64 in a json string": lambda t: json.dumps({"content": wrapped(t, "\n")}),
    "wrapped base64, carriage returns in json": lambda t: json.dumps({"content": wrapped(t, "\r\n")}),
    "wrapped base64, json in json": lambda t: json.dumps(json.dumps({"content": wrapped(t, "\n")})),
    "wrapped base64 in a list of json strings": lambda t: json.dumps([f"{line}\n" for line in lines(padded(t))], indent=1),
    "wrapped base64 in a list of strings": lambda t: json.dumps(lines(padded(t)), indent=1),
    "wrapped base64 in joined literals": lambda t: "(" + "\n".join(f'"{line}" +' for line in lines(padded(t)))[:-2] + ")",
    "wrapped base64 in literals": lambda t: "(" + "\n".join(f"'{line}'" for line in lines(padded(t))) + ")",
    "wrapped base64, continued": lambda t: wrapped(t, "\\\n"),
    "wrapped base64 in a line comment": lambda t: wrapped(t, "\n// "),
    "base32": lambda t: base64.b32encode(f"x{t}yz".encode()).decode(),
    "gzip in base64": lambda t: b64(gzip.compress(f"key: {t}\n".encode())),
    "zlib in base64": lambda t: b64(zlib.compress(f"key: {t}\n".encode())),
    "zlib in base64, level 1": lambda t: b64(zlib.compress(f"key: {t}\n".encode(), 1)),
    "bzip2 in base64": lambda t: b64(bz2.compress(f"key: {t}\n".encode())),
    "xz in base64": lambda t: b64(lzma.compress(f"key: {t}\n".encode())),
    "gzip in base64 twice": lambda t: b64(b64(gzip.compress(f'{{"key":"{t}"}}'.encode()))),
    "gzip in wrapped base64": lambda t: base64.encodebytes(gzip.compress(("".join(map(chr, range(40, 120))) + f" key: {t}\n").encode())).decode(),
    "cloud-init": lambda t: "- encoding: gz+b64\n  content: " + b64(gzip.compress(f"KEY={t}\n".encode())) + "\n  path: /etc/key",
    "base64 in gzip in base64": lambda t: b64(gzip.compress(b64(f"key: {t}").encode())),
    "hex": lambda t: t.encode().hex(),
    "hex upper": lambda t: "0x" + t.encode().hex().upper(),
    "hex twice": lambda t: t.encode().hex().encode().hex(),
    "hex in SQL": lambda t: f"X'{t.encode().hex()}'",
    "hex in postgres": lambda t: f"\\\\x{t.encode().hex()}",
    "hex dump, xxd": dump,
    "hex dump, hexdump -C": lambda t: dump(t, "hexdump"),
    "hex dump, od": lambda t: dump(t, "od"),
    "hex with spaces": lambda t: each(t, "{n:02x}", " "),
    "hex with colons": lambda t: each(t, "{n:02X}", ":"),
    "hex with dashes": lambda t: each(t, "{n:02x}", "-"),
    "hex in groups of four": lambda t: " ".join(lines(t.encode().hex(), 4)),
    "hex in groups of eight": lambda t: " ".join(lines(t.encode().hex(), 8)),
    "wrapped hex": lambda t: "\n".join(lines(("x" * 40 + t).encode().hex(), 60)),
    "registry": lambda t: '"Key"=hex:' + each(t, "{n:02x}", ","),
    "registry, continued": lambda t: '"Key"=hex:' + ",\\\n  ".join(each(part, "{n:02x}", ",") for part in lines(t, 16)),
    "array of hex": lambda t: "{" + each(t, "0x{n:02x}", ", ") + "}",
    "array of hex over lines": lambda t: "{\n  " + ",\n  ".join(each(part, "0x{n:02X}", ", ") for part in lines(t, 8)) + "\n}",
    "array of numbers": lambda t: "[" + each(t, "{n}", ", ") + "]",
    "array of numbers, narrow": lambda t: "[" + each(t, "{n}", ",") + "]",
    "array of octal numbers": lambda t: "{" + each(t, "0{n:o}", ", ").replace("0" + "0", "00") + "}" if all(ord(c) > 63 for c in t) else "{" + each(t, "0x{n:02x}", ",") + "}",
    "fromCharCode": lambda t: "String.fromCharCode(" + each(t, "{n}", ", ") + ")",
    "list of characters": lambda t: "x = [" + each(t, "'{c}'", ", ") + "]",
    "array of characters": lambda t: "char x[] = {" + each(t, "'{c}'", ",") + "};",
    "list of characters over lines": lambda t: "[\n" + each(t, '  "{c}"', ",\n") + "\n]",
    "text of a PDF, moved": lambda t: "BT [(key: )-20.5(" + ")-12(".join(thirds(t)) + ")]TJ ET",
    "chunks of HTTP": lambda t: "Transfer-Encoding: chunked\r\n\r\n9\r\n" + "\r\n1f;x=1\r\n".join(thirds(t)) + "\r\n0\r\n\r\n",
    "chr calls": lambda t: each(t, "chr({n})", " + "),
    "chr calls with dots": lambda t: each(t, "chr({n})", " . "),
    "PowerShell characters": lambda t: each(t, "[char]{n}", "+"),
    "VB characters": lambda t: each(t, "Chr({n})", " & "),
    "numbers one a line": lambda t: "[\n" + each(t, "  {n}", ",\n") + "\n]",
    "numbers with spaces": lambda t: each(t, "{n}", " "),
    "binary numbers": lambda t: each(t, "0b{n:08b}", ", "),
    "percent": lambda t: each(t, "%{n:02X}"),
    "percent in part": lambda t: t[:7] + f"%{ord(t[7]):02x}" + t[8:],
    "percent twice": lambda t: each(t, "%25{n:02X}"),
    "percent thrice": lambda t: each(t, "%2525{n:02X}"),
    "percent u": lambda t: each(t, "%u{n:04x}"),
    "json escapes": lambda t: each(t, "\\u{n:04x}"),
    "json escapes, upper": lambda t: each(t, "\\u{n:04X}"),
    "one json escape": lambda t: f'"{t[:5]}\\u{ord(t[5]):04x}{t[6:]}"',
    "json escapes in json": lambda t: json.dumps({"a": '{"t": "' + each(t, "\\u{n:04x}") + '"}'}),
    "one json escape in json in json": lambda t: json.dumps(json.dumps(f"{t[:5]}\\u{ord(t[5]):04x}{t[6:]}")),
    "java escapes with many u": lambda t: each(t, "\\uuu{n:04x}"),
    "python escapes": lambda t: each(t, "\\x{n:02x}"),
    "python escapes in json": lambda t: json.dumps(each(t, "\\x{n:02x}")),
    "long escapes": lambda t: each(t, "\\U{n:08x}"),
    "brace escapes": lambda t: each(t, "\\u{{{n:x}}}"),
    "brace escapes of perl": lambda t: each(t, "\\x{{{n:x}}}"),
    "PowerShell escapes": lambda t: each(t, "`u{{{n:x}}}"),
    "css escapes": lambda t: each(t, "\\{n:06x}"),
    "css escapes with spaces": lambda t: each(t, "\\{n:06x} "),
    "octal escapes": lambda t: each(t, "\\{n:o}"),
    "decimal escapes": lambda t: each(t, "\\{n}"),
    "decimal escapes, wide": lambda t: each(t, "\\{n:03}"),
    "octal escapes, three digits": lambda t: each(t, "\\{n:03o}"),
    "octal escapes, with a zero": lambda t: each(t, "\\0{n:03o}"),
    "octal escapes in json": lambda t: json.dumps(each(t, "\\{n:03o}")),
    "one octal escape": lambda t: f'"{t[:5]}\\{ord(t[5]):03o}{t[6:]}"',
    "octal in braces": lambda t: each(t, "\\o{{{n:o}}}"),
    "escaped symbols": lambda t: t.replace("-", "\\-").replace("_", "\\_").replace(":", "\\:"),
    "escaped slashes": lambda t: f'"https:\\/\\/example.net\\/{t}"',
    "entities": lambda t: each(t, "&#{n};"),
    "entities, hex": lambda t: each(t, "&#x{n:x};"),
    "entities, upper hex": lambda t: each(t, "&#X{n:X};"),
    "entities with zeros": lambda t: each(t, "&#{n:05d};"),
    "entities of entities": lambda t: html.escape(each(t, "&#{n};")),
    "one entity": lambda t: f"{t[:5]}&#{ord(t[5])};{t[6:]}",
    "named entities": lambda t: t.replace("_", "&lowbar;").replace("-", "&hyphen;").replace(":", "&colon;").replace("&hyphen;", "&#45;"),
    "soft hyphen entities": lambda t: "&shy;".join(lines(t, 8)),
    "zero-width entities": lambda t: "&#8203;".join(lines(t, 8)),
    "quoted-printable": lambda t: "".join(f"={ord(char):02X}" for char in t) + "=\n",
    "quoted-printable soft break": lambda t: f"key: {t[:12]}=\n{t[12:]}",
    "quoted-printable soft breaks": lambda t: quopri.encodestring(f"{'x=1 ' * 12}{t} and so on for a while".encode()).decode(),
    "quoted-printable, carriage return": lambda t: f"key: {t[:12]}=\r\n{t[12:]}",
    "joined": lambda t: f'x = "{t[:9]}" + "{t[9:]}"',
    "joined over lines": lambda t: f"x = ('{t[:9]}'\n     f'{t[9:20]}'\n     '{t[20:]}')",
    "joined by dots": lambda t: cut(t, '" . "'),
    "joined by ampersands": lambda t: cut(t, '" & "'),
    "joined by pipes": lambda t: cut(t, "' || '", "'"),
    "joined, plus on the next line": lambda t: cut(t, '"\n  + "'),
    "joined with a comment": lambda t: "x = (" + "  # why\n     ".join(f'"{part}"' for part in thirds(t)) + ")",
    "joined with a comment of its own line": lambda t: "x = (" + "\n     # why it's so\n     ".join(f'"{part}"' for part in thirds(t)) + ")",
    "joined with a block comment": lambda t: cut(t, '" /* why */ "'),
    "joined with a line comment": lambda t: cut(t, '" + // why, then\n  "'),
    "joined with an SQL comment": lambda t: cut(t, "' || -- why\n '", "'"),
    "joined in json": lambda t: json.dumps({"code": cut(t, '" + "')}),
    "joined in json over lines": lambda t: json.dumps({"code": cut(t, '" +\n   "')}),
    "joined in a notebook": lambda t: json.dumps({"source": [f"x = ('{t[:9]}'\n", f"     '{t[9:]}')\n"]}, indent=1),
    "joined in parentheses": lambda t: 'x = ("' + '") + ("'.join(thirds(t)) + '")',
    "joined raw": lambda t: f"x = r'{t[:9]}' rb'{t[9:]}'",
    "joined, many": lambda t: 'x = "' + '" + "'.join(t) + '"',
    "added": lambda t: f'x = "{t[:9]}"\nx += "{t[9:]}"\n',
    "added with semicolons": lambda t: f"x = '{t[:9]}';\n  x += '{t[9:20]}';\n  x += '{t[20:]}';\n",
    "added by dots": lambda t: f'$x = "{t[:9]}";\n$x .= "{t[9:]}";\n',
    "added to itself": lambda t: f'x = "{t[:9]}"\nx = x + "{t[9:]}"\n',
    "added in a shell": lambda t: f'X="{t[:9]}"\nX+="{t[9:]}"\n',
    "added in a shell by its name": lambda t: f'X="{t[:9]}"\nX="${{X}}{t[9:]}"\n',
    "added to a member": lambda t: f'self.x = "{t[:9]}"\n    self.x += "{t[9:]}"\n',
    "concat": lambda t: f'"{t[:9]}".concat("{t[9:]}")',
    "appended": lambda t: f'new StringBuilder().append("{t[:9]}").append("{t[9:20]}").append("{t[20:]}")',
    "streamed": lambda t: f'out << "{t[:9]}" << "{t[9:]}";',
    "join": lambda t: '["' + '", "'.join(thirds(t)) + '"].join("")',
    "join of python": lambda t: '"".join(["' + '", "'.join(thirds(t)) + '"])',
    "join over lines": lambda t: '"".join([\n  "' + '",\n  "'.join(thirds(t)) + '",\n])',
    "join of characters": lambda t: "''.join(['" + "', '".join(t) + "'])",
    "SQL concat": lambda t: "CONCAT('" + "', '".join(thirds(t)) + "')",
    "template literal": lambda t: f"`{t[:9]}${{'{t[9:20]}'}}{t[20:]}`",
    "template literals": lambda t: f"`${{'{t[:9]}'}}${{'{t[9:]}'}}`",
    "formatted literal": lambda t: f"f\"{t[:9]}{{'{t[9:20]}'}}{t[20:]}\"",
    "ruby interpolation": lambda t: f"\"{t[:9]}#{{'{t[9:20]}'}}{t[20:]}\"",
    "shell quotes": lambda t: f"KEY={t[:9]}'{t[9:20]}'\"{t[20:]}\"",
    "shell quotes, adjacent": lambda t: f"KEY='{t[:9]}'\"{t[9:]}\"",
    "shell empty quotes": lambda t: f"KEY={t[:9]}''{t[9:20]}\"\"{t[20:]}",
    "shell dollar quotes": lambda t: f"KEY={t[:9]}$'{t[9:]}'",
    "shell continuation": lambda t: f"KEY={t[:9]}\\\n{t[9:]}",
    "shell continuation, quoted": lambda t: f"KEY='{t[:9]}'\\\n'{t[9:]}'",
    "properties continuation": lambda t: f"key={t[:9]}\\\n    {t[9:20]}\\\n    {t[20:]}",
    "YAML continuation": lambda t: f'key: "{t[:9]}\\\n  {t[9:]}"',
    "PowerShell continuation": lambda t: f"{t[:9]}`\n{t[9:]}",
    "cmd continuation": lambda t: f"set X={t[:9]}^\r\n{t[9:]}",
    "zero width spaces": "\u200b".join,
    "zero width joiners": lambda t: "\u200d".join(lines(t, 5)),
    "byte order marks": lambda t: "\ufeff".join(lines(t, 5)),
    "variation selectors": "\ufe0f".join,
    "soft hyphens": lambda t: "\u00ad".join(lines(t, 8)),
    "word joiners": lambda t: "\u2060".join(lines(t, 8)),
    "direction marks": lambda t: "\u202a" + t[:9] + "\u202c" + t[9:],
    "full width": wide,
    "full width in part": lambda t: t[:9] + wide(t[9:12]) + t[12:],
    "mathematical letters": math_letters,
    "terminal colours": lambda t: f"\x1b[31m{t[:9]}\x1b[0m{t[9:]}",
    "terminal colours, escaped": lambda t: json.dumps(f"\x1b[1;31m{t[:9]}\x1b[0m{t[9:]}"),
    "terminal colours in a shell": lambda t: f"{t[:9]}\\033[0m{t[9:]}",
    "terminal colours, e": lambda t: f"{t[:9]}\\e[0;1m{t[9:]}",
    "markup": lambda t: f"<code>{t[:9]}<b>{t[9:20]}</b>{t[20:]}</code>",
    "markup with attributes": lambda t: f'{t[:9]}<span class="hl" id="a">{t[9:]}</span>',
    "markup breaks": lambda t: "<wbr>".join(lines(t, 8)),
    "html comments": lambda t: "<!-- -->".join(lines(t, 8)),
    "utf-16": lambda t: f'x="{t}"'.encode("utf-16-le"),
    "utf-16 big": lambda t: f'x="{t}"'.encode("utf-16-be"),
    "utf-32": lambda t: f'x="{t}"'.encode("utf-32-le"),
}  # fmt: skip

NOT_COVERED: dict[str, Write] = {
    "reversed": lambda t: t[::-1],
    "rot13": lambda t: t.translate(str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm")),
    "base85": lambda t: base64.b85encode(t.encode()).decode(),
    "ascii85": lambda t: base64.a85encode(t.encode()).decode(),
    "uuencode": lambda t: "".join(binascii.b2a_uu(t[at : at + 45].encode()).decode() for at in range(0, len(t), 45)),
    "cut by bare line breaks": lambda t: "\n".join(textwrap.wrap(t, 20)),
    "cut by spaces": lambda t: " ".join(thirds(t)),
    "parts in variables": lambda t: f'a = "{t[:9]}"\nb = "{t[9:]}"\nkey = a + b\n',
    "letters of another script": lambda t: "".join({"a": "\u0430", "e": "\u0435", "o": "\u043e", "c": "\u0441"}.get(c, c) for c in "aeoc" + t[:9] + "\u0430" + t[9:]),
    "xor": lambda t: bytes(ord(char) ^ 0x5A for char in t),
    "three encodings deep": lambda t: b64(b64(b64(b64(t)))),
}  # fmt: skip
