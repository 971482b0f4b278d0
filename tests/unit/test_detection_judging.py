"""The judge: what no vendor's format names is of high, medium or low confidence, and a scan says why."""

import base64
import json
import random
import string
from pathlib import Path

import pytest

from tokenguard.detection import stand_ins
from tokenguard.detection.assignments import assignments, scan_assignments
from tokenguard.detection.judging import traits
from tokenguard.detection.judging.candidate import JudgedValue
from tokenguard.detection.judging.judge import WEIGHTS, judged
from tokenguard.detection.match import Confidence, TextMatch, Unscanned
from tokenguard.detection.stand_ins import is_common
from tokenguard.domain.profile import Profile
from tokenguard.errors import InputError
from tokenguard.scanning.content import Blob
from tokenguard.scanning.scanner import Stages, matches_of, scan
from tokenguard.usecases.explain_finding import explained_finding

_ALNUM = string.ascii_letters + string.digits
_RANDOM = random.Random()


@pytest.fixture(autouse=True)
def same_values(request: pytest.FixtureRequest) -> None:
    """The same values in each run: the judge gives one in some hundreds a low confidence, as it looks like words."""
    _RANDOM.seed(request.node.name)


def value(size: int = 32) -> str:
    """A random one, with a digit and both kinds of letters."""
    return "k7Q" + "".join(_RANDOM.choice(_ALNUM) for _ in range(size - 3))


def found(path: str, text: str, profile: Profile = Profile.DEFAULT) -> list[TextMatch]:
    return [each for each in matches_of(text.encode(), path, Stages(profile=profile)) if isinstance(each, TextMatch)]


PLACEMENTS = [
    ("compose.yaml", 'version: "3.9"\nservices:\n  web:\n    environment:\n      - SECRET_KEY={}\n'),
    ("configmap.yaml", 'cfg: |\n  api_keys:\n    - secret_key: "{}"\n'),
    ("values.yaml", 'image: "a"\nauth:\n  password: {}\n'),
    ("app.properties", "spring.datasource.password={}\n"),
    ("settings.toml", 'client_secret = "{}"\n'),
    ("config.ini", "[db]\npassword = {}\n"),
    (".env", "export API_KEY={}  # of the team\n"),
    ("Dockerfile", "FROM a\nENV DB_PASSWORD {}\n"),
    ("Dockerfile", "FROM a\nARG API_TOKEN={}\n"),
    ("app.py", "client = Client(api_key='{}')\n"),
    ("app.py", 'set("api_secret", "{}")\n'),
    ("run.sh", 'curl -H "Authorization: Bearer {}" https://example.org\n'),
    ("run.sh", "tool --password {}\n"),
    ("run.sh", "curl 'https://example.org/?access_token={}&page=2'\n"),
    ("server.xml", "<password>{}</password>\n"),
    ("web.config", '<add key="ApiSecret" value="{}" />\n'),
    ("main.tf", '  db_password = "{}"\n'),
    (".github/workflows/sbom.yml", "      - name: DB_PASSWORD\n        value: {}\n"),
    ("deploy/sbom-scanner.yaml", "command: curl -u reader:{} https://example.org\n"),
    ("dump.sql", "ALTER USER a WITH PASSWORD '{}';\n"),
    ("compose.yaml", 'a: "b"\nurl: postgres://user:{}@host/db\n'),
    ("notes.txt", "curl https://example.org -H 'Authorization: Token {}'\n"),
    ("notes.txt", 'curl -H "Authorization: {}" https://example.org\n'),
    ("client.py", 'headers = {{"Authorization": "Bearer {}"}}\n'),
    ("notes.txt", "curl -u service:{} https://example.org\n"),
    ("run.sh", "curl -s --user 'service:{}' https://example.org\n"),
    ("run.sh", "curl -X PUT \\\n  -d x \\\n  -u service:{}\n"),
    ("run.sh", 'curl -fsSu ":{}" https://example.org\n'),
    ("run.sh", 'curl --user "{}:" https://example.org\n'),
    ("run.sh", 'curl --user "service":"{}" https://example.org\n'),
]


@pytest.mark.parametrize(("path", "text"), PLACEMENTS)
def test_a_random_value_of_a_secrets_name_is_found_wherever_it_is_placed(path: str, text: str) -> None:
    for _ in range(3):
        secret = value()
        matches = found(path, text.format(secret))
        assert [secret in each.value.reveal() for each in matches] == [True], text
        line = text[: text.index("{}")].count("\n") + 1
        assert matches[0].line == line


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app.py", 'password = os.environ["PASSWORD"]\n'),
        ("app.py", 'password = "your-password-here"\n'),
        ("app.py", "token = request.headers.get('token')\n"),
        ("app.js", "const token = getToken();\n"),
        ("values.yaml", "password: changeme\nsecretName: my-secret-name\n"),
        ("values.yaml", "token: ${API_TOKEN}\nkey: {{ .Values.key }}\n"),
        ("locale.json", '"password": "Enter your password"\n'),
        ("readme.md", "set password=your-password to try it\n"),
        ("app.ts", "interface A { tokenType: string; password: string }\n"),
        ("tests/test_login.py", 'client.login(username="a", password="password")\n'),
        ("app.py", 'request_id = "9c3046b07654e02ccd40fe37e3f31d92"\n'),
        ("run.sh", "docker run -u 1000:1000 image\ncurl -u $USER:$PASSWORD https://example.org\n"),
        ("run.sh", 'curl --user "{{ user }}:{{ password }}" https://example.org\nnc -u -l 41234\n'),
        ("app.env", "CLIENT_SECRET=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nAPI_KEY=abcdefghijklmnopqrstuvwxyz123456\n"),
        ("app.env", "SECRET='ENC(2048:k7Qz19LmWv5Rt9YbN4cXk7Qz19LmWv5Rt9YbN4cX)'\nTOKEN=k7Qz19LmWv5Rt9Yb...\n"),
        ("app.env", 'PUBLIC_KEY="k7Qz19LmWv5Rt9YbN4cXk7Qz19Lm"\nCSRF_TOKEN="k7Qz19LmWv5Rt9YbN4cXk7Qz19Lm"\n'),
        ("app.env", 'mock_token="k7Qz19LmWv5Rt9YbN4cXk7Qz19Lm"\n'),
        ("server.key", "-----BEGIN PRIVATE KEY-----\nREPLACE ME\n-----END PRIVATE KEY-----\n"),
        (
            "server.key",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA04up8hoqzS1+APIB0RhjXyObwHQnOzhAk5Bd7...\n-----END RSA PRIVATE KEY-----\n",
        ),
        (
            "readme.md",
            'KEY={"private_key_id":"...","private_key":"-----BEGIN PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----\\n"}\n',
        ),
        ("client.py", f'headers = {{"Authorization": "Basic {base64.b64encode(b"username:password").decode()}"}}\n'),
        (
            "Keys.java",
            '\t\t\t+ "k7Qz19LmWv5Rt9YbN4cX/7Qz19LmWv5Rt9YbN4cXk7Qz19LmWv5Rt9YbN4cXk7Q+\\n" + "Wv5Rt9YbN4cX5/7Qz19LmQ==\\n"\n',
        ),
        ("go.sum", "example.org/token v1.0.0 h1:f9438c2c362e94f0f684849df8381040dbd8c570=\n"),
    ],
)
def test_names_words_references_and_identifiers_are_of_low_confidence(path: str, text: str) -> None:
    assert found(path, text) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.js.map", '{"names":["pick","map","password","confirmPassword","handleSubmit"]}\n'),
        ("a.mjs.map", '{"sourcesContent":["const apiTokensService = adminApi\\n  .enhanceEndpoints({})"]}\n'),
        ("nodes.json", '[{"displayName":"Password","name":"password","description":"A word","type":"string"}]\n'),
        ("a.js", 'if(["current-password","new-password","cc-number"].includes(x))0\n'),
        ("a.js", 'const common=["ghost","password","passw0rd"]\n'),
        ("a.d.ts", 'type A = ["integer", "json", "password", "richtext", "string"];\n'),
        ("a.js", 'define("ghost",["ember","ghost/mixins/password","validator"],function(){})\n'),
        ("a.js", 'f({protocol:e.protocol,pass:e.pass||"",host:e.host})\n'),
        ("a.js", 'const kinds=["integer","password","oauth2-token","sha256-crypt","base64"]\n'),
        ("a.json", '{"clientRequestToken": "1d2129a1-3d38-460a-9756-e5b91fddb951"}\n'),
        ("a.json", '{"APAccountRef": {"value": 1}}\n'),
        ("nflog_test.go", '\t\tGroupKey:  []byte("d8e8fca2dc0f896fd7cb4cb0031ba249"),\n'),
        ("a.go", '\tRoutingKey: []byte("d8e8fca2dc0f896fd7cb4cb0031ba249"),\n'),
        ("jira.ts", "export type JiraTriggerV11Node = JiraTriggerV11ParamsNode;\n"),
    ],
)
def test_words_of_lists_and_names_of_programs_are_none(path: str, text: str) -> None:
    """As packages of JavaScript have them."""
    assert found(path, text) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.js", 'set("db_password", "{}")\n'),
        ("a.cs", 'new KeyValuePair<string, string>("Password", "{}"),\n'),
        ("a.cs", '{{ "Password", "{}" }},\n'),
        ("a.js", 'for (const [k, v] of [["user", "a"], ["password", "{}"]]) f(k, v)\n'),
        ("a.py", 'run(["tool", "--password", "{}", "--verbose"])\n'),
        ("a.py", 'setattr(config, "password", "{}")\n'),
        ("a.js", 'const raw = ["Host", "a", "Authorization", "Bearer {}", "Accept", "b"]\n'),
        ("a.js.map", '{{"sourcesContent":["const password = \\"{}\\";"]}}\n'),
        ("A.java", 'var m = Map.of("username", "admin", "password", "{}", "url", "jdbc:x");\n'),
        ("a.php", "$x->query('db', 'password', '{}', 1);\n"),
        ("a.json", '["config","set","requirepass","{}"]\n'),
    ],
)
def test_a_value_in_a_pair_a_call_or_an_option_is_found(path: str, text: str) -> None:
    for secret in (value(12), value(32)):
        assert [each.value.reveal() for each in found(path, text.format(secret))] == [secret], text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("config/initializers/devise.rb", "  config.secret_key_base = '{}'\n"),
        ("a.go", 'const tokenValue = "{}"\n'),
        ("A.java", 'String secretKeyString = "{}";\n'),
    ],
)
def test_a_name_that_goes_on_with_nothing_telling_is_a_name_for_secrets(path: str, text: str) -> None:
    for secret in (value(48), _RANDOM.randbytes(32).hex()):
        assert [each.value.reveal() for each in found(path, text.format(secret))] == [secret], text


@pytest.mark.parametrize(
    "text",
    ['String aesKey = "{}";\n', 'rememberMeManager.setCipherKey(Base64.decode("{}"));\n', "cipher_key = '{}'\n"],
)
@pytest.mark.parametrize("size", [16, 32])
def test_a_key_of_aes_in_base64_is_one_however_it_reads(text: str, size: int) -> None:
    for _ in range(9):
        key = base64.b64encode(_RANDOM.randbytes(size)).decode()
        assert [each.value.reveal() for each in found("A.java", text.format(key))] == [key], text


def test_a_short_password_between_tags_is_found() -> None:
    for path, text in (
        ("servers.xml", "<Host>a.corp.net</Host>\n<Pass>{}</Pass>\n"),
        ("context.xml", "<server>\n<password>{}</password>\n</server>\n"),
    ):
        for password in ("Cust" + "P@lm" + "123", "R3port!" + "Desk7"):
            assert [each.value.reveal() for each in found(path, text.format(password))] == [password], text
        for stand_in in ("your-password", "${PASSWORD}", "string", "xs:token", "********"):
            assert found(path, text.format(stand_in)) == []


def test_a_search_key_that_programs_of_a_page_hold_is_public() -> None:
    for name in ("ALGOLIA_SEARCH_KEY", "algoliaSearchApiKey", "TYPESENSE_SEARCH_ONLY_API_KEY", "searchOnlyApiKey"):
        assert found("app.env", f"{name}={_RANDOM.randbytes(16).hex()}\n") == [], name
    for name in ("ALGOLIA_ADMIN_KEY", "AZURE_SEARCH_KEY", "MEILISEARCH_MASTER_KEY"):
        assert len(found("app.env", f"{name}={_RANDOM.randbytes(16).hex()}\n")) == 1, name


CONNECTIONS = [
    ("App.config", '<add name="a" connectionString="Data Source=a.corp.net;Uid=reader;Pwd={};Encrypt=True" />\n'),
    (
        "appsettings.json",
        '{{"ConnectionStrings": {{"A": "Server=a.corp.net,1433;Database=b;User Id=c;Password={};"}}}}\n',
    ),
    ("appsettings.json", '{{"ConnectionStrings": {{"A": "Password={};User Id=c;Host=a.corp.net;Database=b"}}}}\n'),
    ("Program.cs", 'var a = "Driver={{{{ODBC Driver 18 for SQL Server}}}};Server=a;UID=b;PWD={};";\n'),
    (".env", "DATABASE_URL=Host=a.corp.net;Port=5432;Database=b;Username=c;Password={}\n"),
]


@pytest.mark.parametrize(("path", "text"), CONNECTIONS)
def test_a_short_password_in_a_connection_string_is_found(path: str, text: str) -> None:
    for password in ("Cust" + "P@lm" + "123", "R3port!" + "Desk7", "@@" + "dqxyaddfg"):
        assert [each.value.reveal() for each in found(path, text.format(password))] == [password], text


@pytest.mark.parametrize(("path", "text"), CONNECTIONS)
@pytest.mark.parametrize("stand_in", ["myPassword", "your_password", "changeme", "***", "{{password}}", "$DB_PASSWORD"])
def test_a_placeholder_in_a_connection_string_is_none(path: str, text: str, stand_in: str) -> None:
    assert found(path, text.format(stand_in)) == []


def test_a_password_of_minified_code_is_no_part_of_a_connection_string() -> None:
    assert found("a.js", "host=a.host;database=a.name;password=a.password;this.password=b\n") == []


@pytest.mark.parametrize("prefix", ["glptt-", "glagent-", "ghp_", "npm_", "dapi", "hvs."])
def test_a_vendors_prefix_with_a_wrong_length_is_of_low_confidence(prefix: str) -> None:
    """As is one with a wrong checksum: no vendor issued it."""
    for text in ("{}\n", 'api_token = "{}"\n', "export API_TOKEN={}\n"):
        assert found("deploy.sh", text.format(prefix + value(13))) == []


def test_what_is_of_low_confidence_is_counted_and_strict_reports_it() -> None:
    blob = Blob(path="a.py", data=b'password = "changeme"\n')
    default, strict = scan([blob], Stages()), scan([blob], Stages(profile=Profile.STRICT))
    assert (len(default.findings), default.left_out) == (0, 1)
    assert (len(strict.findings), strict.left_out) == (1, 0)
    assert strict.findings[0].facts["confidence"] == Confidence.LOW


def test_the_profile_of_detect_secrets_is_not_judged() -> None:
    (match,) = found("a.py", 'password = "changeme"\n', Profile.DETECT_SECRETS)
    assert "confidence" not in match.facts
    assert found("a.sh", "tool --password k7Qz19LmWv5Rt9YbN4\n", Profile.DETECT_SECRETS) == []


def test_a_comment_silences_what_is_assigned_even_under_strict() -> None:
    blob = Blob(path="run.sh", data=f"tool --password {value()}  # pragma: allowlist secret\n".encode())
    report = scan([blob], Stages(comments_silence_shapes=False))
    assert (report.findings, report.allowed) == ((), 1)


def test_a_verdict_is_the_same_each_time_and_holds_no_value() -> None:
    secret = value()
    candidate = [
        JudgedValue(value=secret, line=f'password = "{secret}"', path="a.py", source="Secret Keyword") for _ in range(2)
    ]
    first, second = map(judged, candidate)
    assert first == second
    assert first.confidence is not Confidence.LOW
    assert first.reasons
    assert not any(secret in reason for reason in first.reasons)


@pytest.mark.parametrize("part", ["a", "1", "1.", "a-", "a_", "A", "aA", "/a", "a.", "my-", "::", "[", "{", "x.a("])
def test_no_value_keeps_the_judge_busy(part: str) -> None:
    """A pattern that tried every way to read one of these would not come to an end."""
    for hostile in (part * 400 + "!", "1.1" + part * 400 + "\0", "my-" + part * 400 + " "):
        judged(JudgedValue(value=hostile, line=f"password = '{hostile}'", path="a.py", source="Secret Keyword"))


def test_a_line_of_very_many_assignments_is_given_up_on_and_said() -> None:
    hits = list(scan_assignments("password=k7Qz19LmWv5Rt9;" * 12_000, "a.txt", Profile.STRICT))
    assert isinstance(hits[-1], Unscanned)


def test_the_judges_data_is_small() -> None:
    assert WEIGHTS.stat().st_size <= 300_000
    assert json.loads(WEIGHTS.read_bytes()).keys() == {"characters", "weights"}


def test_places_of_assignments_count_characters() -> None:
    data = "x\n  é: ü, token: 'k7Qz19LmWv5Rt9YbN4cX'\n".encode()
    (each,) = assignments(data, "a.txt")
    line = data.decode().split("\n")[each.line]
    assert line[each.column :].startswith(each.value)


def test_an_explanation_says_why_and_shows_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    secret = value()
    Path("a.py").write_text(f'x = 1\npassword = "{secret}"\ntoken = "changeme"\n')
    (told,) = explained_finding("a.py:2")
    assert told["default_profile"] == "reported"
    assert told["confidence"] in {"high", "medium"}
    (low,) = explained_finding("a.py:3:10")
    assert (low["default_profile"], low["confidence"]) == ("left out", "low")
    assert explained_finding("a.py:1") == []
    assert secret not in json.dumps([told, low])


@pytest.mark.parametrize("place", ["a.py", "a.py:0", "missing.py:1", ":3"])
def test_what_names_no_place_is_not_explained(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        explained_finding(place)


def test_each_word_list_of_the_judge_has_words_only() -> None:
    """A wrap of the source had put quotes into the common passwords, so that one of them was none."""
    lists = [each for each in (*vars(traits).values(), *vars(stand_ins).values()) if isinstance(each, frozenset)]
    assert len(lists) > 4
    assert [word for words in lists for word in words if '"' in word] == []
    assert is_common("qwerty123")


def test_a_key_in_hex_behind_a_name_for_one_is_found_in_a_program() -> None:
    digits = "".join(random.Random(3).choices("0123456789abcdef", k=64))
    data = f'SECRET_KEY = "{digits}"\n'.encode()
    for path, expected in (("app/main.py", [digits]), ("docs/main.py", [])):
        found = matches_of(data, path, Stages())
        assert [each.whole.reveal() for each in found if isinstance(each, TextMatch)] == expected


PLACEHOLDERS = [
    "insert-token-here",
    "placeholder-token-value",
    "fake_secret_for_tests",
    "dummy-secret-123",
    "not-a-real-password",
    "FILTERED",
    "__DB_PASSWORD__",
    "@@DB_PASSWORD@@",
    "@db.password@",
    "%DB_PASSWORD%",
    "#{password}",
    "enterYourTokenHere",
]


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("settings.toml", 'client_secret = "{}"\n'),
        (".env", "DB_PASSWORD={}\n"),
        ("run.sh", "PGPASSWORD={} psql -h db1\n"),
        ("db.ini", "dsn=DRIVER={{x}};UID=app;PWD={};\n"),
        ("url.properties", "url=jdbc:mysql://db1/x?user=app&password={}&ssl=true\n"),
    ],
)
def test_words_that_stand_for_a_secret_are_none(path: str, text: str, placeholder: str) -> None:
    assert found(path, text.format(placeholder)) == []


def test_words_beside_a_random_part_do_not_make_a_placeholder() -> None:
    for _ in range(20):
        assert not stand_ins.is_placeholder(f"your-{value(20)}")
        assert not stand_ins.is_placeholder(f"__{value(20)}")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("odbc.ini", "[dw]\nUID = app\nPWD = {}\n"),
        ("app.py", 'db.connect(host, user="app", password="{}")\n'),
        ("config.bas", 'Const DB_PASSWORD As String = "{}"\n'),
        ("config/database.php", "'password' => env('DB_PASSWORD', '{}'),\n"),
        ("main.bicep", "param adminPassword string = '{}'\n"),
        ("Cache.java", 'Map<String, String> m = new HashMap<>(); m.put("password", "{}");\n'),
    ],
)
def test_a_short_random_password_is_found(path: str, text: str) -> None:
    missed = 0
    for _ in range(60):
        secret = f"k7Q{''.join(_RANDOM.choices(_ALNUM, k=6))}-{''.join(_RANDOM.choices(_ALNUM, k=4))}"
        missed += not found(path, text.format(secret))
    assert missed <= 6


def test_an_integrity_hash_behind_any_name_is_none() -> None:
    integrity = base64.b64encode(_RANDOM.randbytes(32)).decode()
    assert found("a.service", f"Environment=BUILD_ID=sha256-{integrity}\n") == []


def test_letters_of_hex_that_follow_each_other_by_chance_are_not_typed() -> None:
    assert stand_ins.is_typed("a1b2c3d4e5f6g7h8")
    assert stand_ins.is_typed("5a6a7a8a" * 3 + "1a" * 4)
    assert sum(stand_ins.is_typed(_RANDOM.randbytes(20).hex()) for _ in range(6000)) <= 1
