"""Secrets in columns of tables and statements, in calls and on command lines: found with their place, by every door."""

import base64
import random
import string

import pytest

from tests.fakes.possible_findings import may_hold_assignments
from tokenguard.detection.assignments import assignments
from tokenguard.detection.clean_text import is_clean
from tokenguard.detection.match import TextMatch
from tokenguard.detection.suspects import suspects
from tokenguard.detection.version_diff import FileVersions
from tokenguard.scanning.scanner import Stages, matches_of

SOURCE = random.Random(43)


@pytest.fixture(autouse=True)
def same_values(request: pytest.FixtureRequest) -> None:
    """The same values in each run: the judge gives one in some hundreds a low confidence, as it looks like words."""
    SOURCE.seed(request.node.name)


def value(length: int = 18) -> str:
    """As a generator makes them: with a digit and both cases."""
    return f"q7{''.join(SOURCE.choices(string.ascii_letters + string.digits, k=length - 3))}W"


def told(text: str, path: str) -> list[tuple[int, int, str]]:
    found = (each for each in matches_of(text.encode(), path, Stages()) if isinstance(each, TextMatch))
    return [(each.line, each.column, each.value.reveal()) for each in found]


TABLES = {
    "users.csv": "id,username,password,email\n1,anna,{},anna@corp.example\n",
    "quoted.csv": '"url","username","User Password"\n"https://intranet.example, 2","anna","{}"\n',
    "konten.csv": "server;benutzer;passwort\nsrv1;admin;{}\n",
    "hosts.tsv": "host\tapi_key\tuser\ndb1\t{}\troot\n",
    "README.md": "| user | password |\n|------|----------|\n| admin | `{}` |\n",
    "seed.sql": "INSERT INTO users (id, username, password) VALUES (1, 'anna', '{}');\n",
    "rows.sql": "insert into `app`.`users` (`id`, `api_key`)\nVALUES (1, 'a,b(c)'), (2, '{}');\n",
    "seed.php": "$db->query(\"INSERT INTO users (name, access_token) VALUES ('it''s', '{}')\");\n",
    "dump.sql": "COPY public.users (id, email, password) FROM stdin;\n1\tanna@corp.example\t{}\n\\.\n",
    "lines.sql": "INSERT INTO\n  users\n  (id,\n   name,\n   api_token)\nVALUES\n  (1,\n   'anna',\n   '{}');\n",
    "column.sql": "INSERT INTO `users` (\n  `id`,\n  `password`\n)\nVALUES\n(\n  1,\n  '{}'\n),\n(\n  2,\n  'x'\n);\n",
    "comments.sql": "INSERT INTO users (\n  id, -- it's a number, or so\n  secret -- plain\n) VALUES (\n  1, -- anna's\n  '{}' /* old, */\n);\n",
    "server.sql": "INSERT INTO [dbo].[Users] ([Id], [Password])\nVALUES\n  (1, N'{}')\n",
    "copy.sql": "COPY public.users (id,\n    email,\n    password) FROM stdin;\n1\tanna\t{}\n\\.\n",
    "created.sql": (
        "CREATE TABLE `users` (\n  `id` int(9) NOT NULL, -- one, two\n  `price` decimal(9,2),\n  `password` varchar(99),\n"
        "  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\nLOCK TABLES `users` WRITE;\nINSERT INTO `users` VALUES (1,9.5,'{}'),(2,1,'x');\n"
    ),
    "psql.log": " id | user |      password      \n----+------+--------------------\n  1 | anna | {}\n(1 row)\n",
    "mysql.log": "+----+--------------------+\n| id | password           |\n+----+--------------------+\n|  1 | {} |\n+----+---+\n",
}


@pytest.mark.parametrize("path", TABLES)
def test_a_secret_in_a_column_is_found_where_it_stands(path: str) -> None:
    secret = value()
    text = TABLES[path].format(secret)
    line = text[: text.index(secret)].count("\n") + 1
    column = text.index(secret) - text.rfind("\n", 0, text.index(secret))
    assert told(text, path) == [(line, column, secret)]


@pytest.mark.parametrize("path", TABLES)
def test_it_is_found_by_every_door(path: str) -> None:
    data = TABLES[path].format(value()).encode()
    assert may_hold_assignments(data, path)
    assert not is_clean(data, path)
    assert suspects([b"x = 1\n", data], [False, False]).assignments == {1}


@pytest.mark.parametrize("path", TABLES)
def test_a_row_that_a_later_version_brings_is_found(path: str) -> None:
    text, kept = TABLES[path], "pa55-of-" + value(8)
    before, after = text.format(kept).encode(), text.format(value()).encode()
    versions = FileVersions(path)
    for data in (before, after):
        change = versions.change(data)
        assert change is not None
        possible = suspects([change.lines], [change.rebuilt]).possible(0)
        verdict = versions.verdict(change, possible)
    lines = after if verdict.lines is None else verdict.lines
    assert verdict.possible
    assert any(True for _ in assignments(lines, path))


HARMLESS = {
    "hash.csv": "id,password_hash,salt\n1,{hex},{hex}\n",
    "md5.csv": "id,username,password\n1,anna,{hex}\n",
    "words.csv": "question,answer,token\nq1,yes,red\nq2,no,green\n",
    "ragged.csv": "id,password\n1,two,{secret}\n",
    "messages.csv": "key,en,de\nlogin.password,Password,Passwort\n",
    "prose.md": "The user, password\nand {secret}, as said\n",
    "bcrypt.sql": "INSERT INTO users (id, password) VALUES (1, '$2y$10${secret}{secret}{secret}');\n",
    "null.sql": "INSERT INTO users (id, password) VALUES (1, NULL), (2, 'changeme'), (3, '');\n",
    "other.sql": "INSERT INTO users (id, password, token_hint) VALUES (1, NULL, '{secret}');\n",
    "select.sql": "INSERT INTO users (id, password) SELECT 1, '{secret}';\n",
    "created.sql": "CREATE TABLE t (\n  id int,\n  password_hash text,\n  note text\n);\nINSERT INTO t VALUES (1, '{hex}', '{secret}');\n",
    "elsewhere.sql": "CREATE TABLE t (\n  id int,\n  password text\n);\nINSERT INTO u VALUES (1, '{secret}');\n",
    "bound.sql": "INSERT INTO users (\n  id,\n  password,\n  token\n) VALUES (\n  $1,\n  :password2,\n  crypt('x', gen_salt('bf', 8))\n);\n",
    "hashed.sql": "INSERT INTO users (\n  id,\n  password,\n  note\n) VALUES (\n  1,\n  '{hex}',\n  '{secret}'\n);\n",
    "rule.md": "a | password\nof it + more --- {secret}\n",
    "table.sql": "CREATE TABLE users (id int, password varchar(255) DEFAULT '', token char(64));\n",
}


@pytest.mark.parametrize("path", HARMLESS)
def test_words_hashes_and_other_columns_are_left_out(path: str) -> None:
    text = HARMLESS[path].format(hex=SOURCE.randbytes(16).hex(), secret=value())
    assert [each.value for each in assignments(text.encode(), path)] == []


def test_many_heads_and_rows_keep_nothing_busy() -> None:
    list(assignments(b"insert into t (password) values (" * 20_000, "a.sql"))
    list(assignments(b"create table t (\n a int,\n password text,\n" * 20_000, "a.sql"))
    list(assignments(b"insert into t (\n password,\n" * 20_000, "a.sql"))
    list(assignments(b"a,password\n" * 50_000, "a.csv"))
    list(assignments(b"| password | token |\n" * 50_000, "a.md"))


ARGUMENTS = {
    "net.bat": "net user admin {} /add\n",
    "psexec.cmd": "psexec \\\\srv -u corp\\svc -p {} cmd\n",
    "schtasks.cmd": "schtasks /create /tn x /tr y /ru corp\\svc /rp {}\n",
    "secret.sh": "gh secret set API_TOKEN --body {}\n",
    "openssl.sh": "openssl enc -aes-256-cbc -k {} -in x -out y\n",
    ".bash_history": "echo {} | sudo -S apt update\n",
    "snmpd.conf": "rocommunity {}\n",
    "set.sql": "SET PASSWORD FOR 'app'@'%' = '{}';\n",
    "Jwt.java": 'Keys.hmacShaKeyFor("{}".getBytes())\n',
    "Key.java": 'new SecretKeySpec("{}".getBytes(), "AES")\n',
    "sign.py": 'jwt.encode(payload, "{}", algorithm="HS256")\n',
    "broker.py": 'pika.PlainCredentials("app", "{}")\n',
    "Client.kt": 'val login = Credentials.basic("app", "{}")\n',
    "hmac.js": "crypto.createHmac('sha256', '{}')\n",
    "cookie.js": "app.use(cookieParser('{}'))\n",
    "auth.rs": '.basic_auth("anna", Some("{}"))\n',
    "env.rb": "ENV['API_TOKEN'] ||= '{}'\n",
    "rsyncd.secrets": "anna:{}\n",
    "chap-secrets": "anna * {} *\n",
    "x.nmconnection": "[wifi-security]\npsk={}\n",
}


@pytest.mark.parametrize("path", ARGUMENTS)
def test_a_secret_that_a_command_or_a_call_takes_is_found(path: str) -> None:
    secret = value(20)
    assert secret in [found for _, _, found in told(ARGUMENTS[path].format(secret), path)]
    assert not is_clean(ARGUMENTS[path].format(secret).encode(), path)


def test_keys_in_addresses_and_passwords_in_ldif_are_found() -> None:
    key, code = SOURCE.randbytes(16).hex(), value(54)
    password = base64.b64encode(value().encode()).decode()
    assert told(f'u = "https://api.example.test/data?q=Bern&appid={key}"\n', "a.py")[0][2] == key
    assert told(f'u = "https://x.azurewebsites.net/api/hook?code={code}=="\n', "a.js")[0][2].startswith(code)
    assert told(f"dn: cn=admin\nuserPassword:: {password}\n", "a.ldif")[0][2] == password


def test_an_application_id_and_a_hash_in_ldif_are_left_out() -> None:
    hashed = base64.b64encode(b"{SSHA}" + base64.b64encode(SOURCE.randbytes(24))).decode()
    assert told("https://store.example.test/app?appid=730&appid=wx1234567890abcdef\n", "a.txt") == []
    assert told(f"dn: cn=admin\nuserPassword:: {hashed}\n", "a.ldif") == []
