"""Secrets whose name stands in another entry, before a blank, or not at all: found where they stand, with their place."""

import random
import string

import pytest

from tests.fakes.token_examples import example as token_of
from tokenguard.detection.assignments import ASSIGNED, assignments, scan_assignments
from tokenguard.detection.match import TextMatch
from tokenguard.domain.profile import Profile
from tokenguard.scanning.scanner import Stages, matches_of
from tokenguard.token_formats.table import format_by_id

SOURCE = random.Random(20)


@pytest.fixture(autouse=True)
def same_values(request: pytest.FixtureRequest) -> None:
    """The same values in each run: the judge gives one in some hundreds a low confidence, as it looks like words."""
    SOURCE.seed(request.node.name)


def value(length: int = 22) -> str:
    """As a generator makes them: with a digit and both cases."""
    text = "".join(SOURCE.choices(string.ascii_letters + string.digits, k=length - 3))
    return f"q7{text}W"


def told(text: str, path: str) -> list[tuple[int, int, str]]:
    matches = [each for each in scan_assignments(text, path, Profile.DEFAULT) if isinstance(each, TextMatch)]
    return [(each.line, each.column, each.value.reveal()) for each in matches]


PAIRS = {
    "container.yaml": "env:\n  - name: DB_PASSWORD\n    value: {}\n",
    "application.yaml": "parameters:\n  - name: auth.password\n    value: {}\n",
    "task.json": '{{"environment": [\n  {{"name": "DB_PASSWORD", "value": "{}"}}\n]}}\n',
    "task-reversed.json": '[\n  {{\n    "value": "{}",\n    "name": "DB_PASSWORD"\n  }}\n]\n',
    "parameters.json": '[{{"ParameterKey": "DbPassword",\n  "ParameterValue": "{}"}}]\n',
    "stack.yaml": "Parameters:\n  DbPassword:\n    Type: String\n    NoEcho: true\n    Default: {}\n",
    "variables.tf": 'variable "db_password" {{\n  type    = string\n  default = "{}"\n}}\n',
    "aligned.tf": 'variable "db_password" {{\n  type      = string\n  sensitive = true\n  default   = "{}"\n}}\n',
    "plan.json": '{{"variables": {{"db_password": {{"value": "{}"}}}}}}\n',
    "Info.plist": "<dict>\n<key>API_TOKEN</key>\n<string>{}</string>\n</dict>\n",
    "job.xml": "<x>\n <name>DB_PASSWORD</name>\n <defaultValue>{}</defaultValue>\n</x>\n",
    "strings.xml": '<string name="app_secret" translatable="false">{}</string>\n',
    "unattend.xml": "<Password>\n<Value>{}</Value>\n</Password>\n",
    "autounattend.xml": "<AutoLogon><Password><Value>{}</Value></Password></AutoLogon>\n",
    "cdata.xml": "<password><![CDATA[{}]]></password>\n",
    "x.postman_collection.json": '[{{"key": "password",\n "value": "{}",\n "type": "string"}}]\n',
    "x.har": '[{{\n"name": "Authorization",\n"value": "Bearer {}"}}]\n',
    "ci.yml": 'variables:\n  DEPLOY_TOKEN:\n    description: "for deployments"\n    value: "{}"\n',
    "block.yaml": "password: |\n  {}\nother: 1\n",
    "next.yaml": "api_key:\n  {}\n",
    "next.json": '{{\n  "password":\n    "{}"\n}}\n',
    "heredoc.php": "<?php\n$password = <<<EOT\n{}\nEOT;\n",
    "long.exs": 'password = """\n{}\n"""\n',
    "texts.resx": '<data name="DbPassword" xml:space="preserve">\n  <value>{}</value>\n</data>\n',
    "app.config": '<setting name="ApiSecret" serializeAs="String">\n<value>{}</value>\n</setting>\n',
    "bean.xml": '<property name="password">\n  <value>{}</value>\n</property>\n',
    "web.xml": "<param-name>clientSecret</param-name>\n<param-value>{}</param-value>\n",
    "bold.md": "- **User:** admin\n- **Password:** {}\n",
    "bold2.md": "**Access token**: `{}`\n",
    "row.md": "| Field | Value |\n|---|---|\n| **API key** | `{}` |\n",
    "row.html": "<tr><td>User</td><td>admin</td></tr>\n<tr><td>Password</td><td><code>{}</code></td></tr>\n",
    "rows.html": "<tr>\n  <th>Password</th>\n  <td>{}</td>\n</tr>\n",
    "list.html": "<li><b>Password:</b> {}</li>\n",
    "flow.yaml": "env:\n  - {{name: DB_PASSWORD, value: {}}}\n",
    "AndroidManifest.xml": '<meta-data android:name="com.app.API_KEY"\n  android:value="{}" />\n',
    "meta.html": '<meta name="api-token" content="{}">\n',
    "heads.html": "<tr><th>User</th><th>Password</th></tr>\n<tr><td>a</td><td>{}</td></tr>\n",
    "heads-over-lines.html": (
        "<thead>\n<tr>\n<th>API token</th>\n<th>Use</th>\n</tr>\n</thead>\n"
        '<tr>\n<td class="x"><code>{}</code></td>\n<td>all</td>\n</tr>\n'
    ),
    "grid.rst": "+---+---+\n| User | Password |\n+===+===+\n| me | {} |\n+---+---+\n",
    "sentence.md": "The root password is {}.\n",
    "log.txt": "ok. The generated password was: {}\n",
    "terms.html": "<dl><dt>Password</dt><dd>{}</dd></dl>\n",
    "login.exp": 'expect "assword:"\nsend "{}\\r"\n',
}
SPACED = {
    ".cshrc": "setenv API_TOKEN {}\n",
    "config.fish": "set -gx API_TOKEN {}\n",
    "a.tcl": "set token {}\n",
    "b.sh": 'read -r TOKEN <<< "{}"\n',
    "redis.conf": "bind 127.0.0.1\nrequirepass {}\n",
    "ldap.conf": "bindpw {}\n",
    "mosquitto.conf": "remote_password {}\n",
    ".msmtprc": "user me\npassword {}\n",
    ".fetchmailrc": 'poll mail.example.net user "me" password "{}" ssl\n',
    "setup.sh": "machine git.example.net login me password {}\n",
    "haproxy.cfg": "  user admin insecure-password {}\n",
    "router.cfg": "username admin privilege 15 password 0 {}\n",
    "snmp.cfg": "snmp-server community {} RW\n",
    "cisco.cfg": "enable secret {}\n",
    "ipsec.secrets": '10.1.1.1 10.2.2.2 : PSK "{}"\n',
    "compose.yaml": 'command: ["--requirepass", "{}"]\n',
    "cassette.yml": "Authorization:\n- Bearer {}\n",
    "headers.json": '{{"headers": {{"Authorization": ["Bearer {}"]}}}}\n',
}
ARGUMENTS = {
    "mysql.sh": "mysqldump -u root -p{} app > app.sql\n",
    "docker.sh": "docker login -u me -p {} registry.example.net\n",
    "az.yml": "- script: az login -u me -p {}\n",
    "sshpass.sh": "sshpass -p '{}' ssh root@10.0.0.1\n",
    "ldap.sh": "ldapsearch -x -D cn=admin -w {} -b dc=example\n",
    "redis.sh": "redis-cli -h r1 -a {} ping\n",
    "net.bat": "net use Z: \\\\srv\\share {} /user:me\n",
    "stdin.sh": 'echo "{}" | docker login -u me --password-stdin\n',
    "Dockerfile": "RUN echo 'root:{}' | chpasswd\n",
    "openssl.sh": "openssl rsa -in key.pem -passin pass:{} -out x\n",
    "smb.sh": "smbclient //srv/share -U 'me%{}'\n",
    "keys.sh": "keytool -list -keystore a.jks -storepass {}\n",
    "httpie.sh": "http -a me:{} GET https://example.net\n",
    "oracle.properties": "url=jdbc:oracle:thin:scott/{}@db1:1521:orcl\n",
    "p.ps1": '$p = ConvertTo-SecureString "{}" -AsPlainText -Force\n',
    "q.ps1": "$c = New-Object System.Net.NetworkCredential('me', '{}')\n",
    "A.java": 'DriverManager.getConnection(url, "app", "{}");\n',
    "a.pl": 'my $dbh = DBI->connect($dsn, "app", "{}");\n',
    "a.php": "$conn = new PDO('mysql:host=db', 'app', '{}');\n",
    "a.py": 'requests.get(url, auth=("me", "{}"))\n',
    "b.py": 'token = os.getenv("X_TOKEN", "{}")\n',
    "a.ino": 'WiFi.begin("home", "{}");\n',
    "mail.py": "server.login(sender, '{}')\n",
    "mail.rb": 'smtp.login("me@mail.example.net", "{}")\n',
    "ftp.py": "ftp.login('deploy', '{}', timeout=3)\n",
    "salesforce.js": "conn.login('me@mail.example.net', '{}', function(err, res) {{\n",
    "ssh.py": "ssh.connect('10.2.3.4', 22, 'root', '{}')\n",
    "driver.py": 'db = MySQLdb.connect(host, port, "app", "{}", "shop")\n',
    "driver2.py": "db = pymysql.connect('10.2.3.4', 'app', '{}', 'shop')\n",
    "devise.rb": 'config.omniauth :github, "Iv1a", "{}", scope: "user"\n',
    "omniauth.rb": "provider :twitter, 'Iv1a', '{}'\n",
    ".travis.yml": "- $HOME/gopath/bin/goveralls -repotoken {}\n",
    "b.ps1": "Invoke-Thing -UserName me -Password {}\n",
    "c.sh": "java -jar a.jar -apiToken {} -v\n",
    "a.sql": "CREATE USER app IDENTIFIED BY '{}';\n",
    "preseed.cfg": "d-i passwd/root-password password {}\n",
    "user.cfg": "d-i passwd/user-password-again password {}\n",
    "ks.cfg": "rootpw --plaintext {}\n",
    "ssm.sh": 'aws ssm put-parameter --name /app/db --type SecureString --value "{}"\n',
    "az.sh": "az keyvault secret set --vault-name v --name db --value {}\n",
    "gcloud.sh": 'echo -n "{}" | gcloud secrets create db --data-file=-\n',
    "stats.cfg": "stats auth admin:{}\n",
    "btoa.js": "headers.set('Authorization', 'Basic ' + btoa('admin:{}'));\n",
    "buffer.js": "const a = Buffer.from('admin:{}').toString('base64');\n",
    "b64.py": 'auth = base64.b64encode(b"admin:{}")\n',
    "Login.java": 'String a = Base64.getEncoder().encodeToString("admin:{}".getBytes());\n',
    "login.php": "'Authorization: Basic ' . base64_encode('admin:{}')\n",
    "login.go": 'base64.StdEncoding.EncodeToString([]byte("admin:{}"))\n',
    "login.sh": 'AUTH=$(echo -n "admin:{}" | base64 -w0)\n',
    "options.py": 'parser.add_argument("--password", help="of the database", default="{}")\n',
    "decouple.py": 'PASSWORD = config("DB_PASSWORD", default="{}")\n',
    "tuple.py": 'auth = ("me", "{}")\n',
    "smtp.go": 'auth := smtp.PlainAuth("", "me@mail.example.net", "{}", host)\n',
    "keyring.py": 'keyring.set_password("service", "me", "{}")\n',
    "http.rb": "http.basic_auth 'me', '{}'\n",
    "rabbit.sh": "rabbitmqctl add_user me {}\n",
    "composer.sh": "composer config http-basic.repo.example.net me {}\n",
    "vault.sh": "vault login {}\n",
    "sequelize.js": "const db = new Sequelize('shop', 'app', '{}', {{}});\n",
    "define.dart": "const t = String.fromEnvironment('API_TOKEN', defaultValue: '{}');\n",
    "guzzle.php": "['auth' => ['me', '{}']]\n",
}
STRINGS = {
    "a.rs": 'const API_TOKEN: &str = r#"{}"#;\n',
    "b.rs": 'let password = String::from("{}");\n',
    "a.rb": "api_token = %q({})\n",
    "a.pl": "my $password = q{{{}}};\n",
    "b.pl": "my %h = (api_token => qq({}));\n",
    "list.toml": 'tokens = ["{}"]\n',
    "lines.yaml": "api_keys:\n  - {}\n",
    "comment.py": "# password: {}\n",
    "pass.sh": "SSHPASS={} sshpass -e ssh host\n",
    "main.tf": 'db_password = sensitive("{}")\n',
    "locals.tf": 'locals {{\n  api_token = tostring("{}")\n}}\n',
    "a.go": 'Password: aws.String("{}"),\n',
    "secret.ts": "password: SecretValue.unsafePlainText('{}'),\n",
    "jose.ts": 'const secretKey = new TextEncoder().encode("{}");\n',
    "c.rs": 'password: Option<String> = Some("{}".to_string()),\n',
    "a.lua": "local api_token = [[{}]]\n",
    "a.nix": "{{ apiToken = ''{}''; }}\n",
    "a.exs": "config :app, api_token: ~s({})\n",
    "a.r": 'api_token <- "{}"\n',
    "A.scala": 'val password: String = """{}"""\n',
    "a.erl": '{{password, <<"{}">>}}.\n',
    "a.vb": 'Dim password As String = "{}"\n',
    "a.py": 'PASSWORD: Final[str] = "{}"\n',
    "b.py": 'API_TOKEN = """{}"""\n',
    "a.js": "const z = process.env.API_SECRET ?? '{}';\n",
    "b.js": 'const k = process.env.API_SECRET || "{}";\n',
    "a.toml": "token = '''{}'''\n",
    "Makefile": "DB_PASSWORD ?= {}\n",
    "build.gradle": 'buildConfigField("String", "API_KEY", "\\"{}\\"")\n',
    "a.kt": 'val m = mapOf("password" to "{}", "user" to "me")\n',
    "a.m": '#define API_SECRET @"{}"\n',
    "a.c": 'const char api_token[] = "{}";\n',
    "chat.json": '{{"text": "user: me\\npassword: {}\\nhost: db1"}}\n',
    "a.ps1": "$env:API_TOKEN = '{}'\n",
    "a.sh": 'DB_PASSWORD="${{DB_PASSWORD:-{}}}"\n',
    "list.yaml": "X-Api-Key: [{}]\n",
    "site.pp": "class {{ 'mysql::server': root_password => '{}' }}\n",
}


@pytest.mark.parametrize(
    ("path", "template"),
    [each for table in (PAIRS, SPACED, ARGUMENTS, STRINGS) for each in table.items()],
    ids=lambda each: each if "\n" not in each else "",
)
def test_a_secret_is_found_where_it_stands(path: str, template: str) -> None:
    secret = value(30)
    text = "# \u00e9\n" + template.format(secret)
    before = text[: text.index(secret)]
    place = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert (*place, secret) in told(text, path)
    assert {each[2] for each in told(text, path)} == {secret}


def test_a_password_in_braces_of_a_connection_string_is_found() -> None:
    secret = f"{value()};!"
    text = f'c = "DRIVER={{SQL Server}};SERVER=db1;UID=sa;PWD={{{secret}}}"\n'
    assert told(text, "a.py") == [(1, text.index(secret) + 1, secret)]
    assert told(f'c = f"UID={{user}};PWD={{{value()}}}"\n', "a.py") == []


HARMLESS = {
    "preseed.cfg": "d-i passwd/root-password password r00tme\nd-i passwd/root-password-crypted password !\n",
    "ks.cfg": "rootpw --lock\nrootpw --iscrypted $6$salt$hash1234567890\n",
    "empty.tf": 'variable "db_password" {\n  type        = string\n  description = "Password of the database 1"\n}\n',
    "env.yaml": "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: app-database-credentials\n      key: postgres-password\n",
    "path.yaml": "- name: PASSWORD_FILE\n  value: /run/secrets/db_password\n- name: AUTH_TOKEN_TTL\n  value: '86400'\n",
    "template.yaml": "- name: DB_PASSWORD\n  value: {{ .Values.password }}\n- name: TOKEN\n  value: ${TOKEN}\n",
    "action.yml": "inputs:\n  token:\n    description: of the run\n    required: true\n    default: ${{ github.token }}\n",
    "openapi.yaml": "password:\n  type: string\n  format: password\nvalue: something-else-entirely1\n",
    "design.json": '{"color-token": {"value": "#1a2b3c"}, "token": {"name": "button", "value": "{color.brand.500}"}}\n',
    "i18n.json": '[{"key": "password_label", "value": "Your-password-please"}]\n',
    "strings.xml": '<string name="password_hint">Enter-your-password</string>\n',
    "Info.plist": "<key>API_KEY</key>\n<string>$(API_KEY)</string>\n",
    "a.sh": 'mysql -u root -p"$MYSQL_PWD" app\nmysql -u root -p app\ndocker login -u me -p "$PASS"\nsshpass -e ssh x\ncp -p a1b2c3d4.tar.gz /x\n',
    "b.sh": "mkdir -p some/long/directory1\nredis-cli -a $REDIS_PASSWORD ping\nldapsearch -W -D cn=x\necho $TOKEN1 | docker login --password-stdin\n",
    "c.sh": "openssl rsa -passin file:key1.txt\nopenssl rsa -passin pass:$PASS1\nzip -r backup2.zip folder1\n",
    "Jenkinsfile": "sh \"docker login -u $U -p $DOCKER_PASSWORD\"\n[envVar: 'SECRET_ID', vaultKey: 'inf-secret-id']\n",
    "a.ps1": "$s = ConvertTo-SecureString $env:PASS -AsPlainText -Force\n$p = Read-Host 'Password' -AsSecureString\n",
    "guide.md": "Use a password of at least 8characters1. The key version2 is old. A secret since2019 is none.\n",
    "policy.txt": "password policy strict\ntoken endpoint enabled\nset password length8 for users\n",
    "a.sql": "UPDATE users SET password = :password WHERE token = ?;\nALTER USER app IDENTIFIED BY '${DB_PASSWORD}';\n",
    "code.py": "def connect(host, user, password):\n    return client.connect(host, user, password)\n",
    "code.js": "const [password, setPassword] = useState('');\nconst token = [first, second];\n",
    "form.html": f'<input name="authenticity_token" type="hidden" value="{"k7Qz19LmWv5Rt9YbN4cX" * 2}" />\n',
    "login.py": "client.login('me', password)\nclient.login(user, 'password')\nform.login(x, 'a') or b.login('one2', 'name')\n",
    "connect.py": "ssh.connect('10.2.3.4', 22, 'root2', key_name)\nsignal.connect(handler, 22, 'sender1', 'uid')\n",
    "omniauth.rb": "provider :github, ENV['ID1'], ENV['SECRET2']\nprovider :github, 'id1', '<secret1>'\n",
    "options.md": "Pass -token or -password to log in. The x-token header2, `-token string: the one2` and pre-key version2 are old.\n",
    "options.sh": "tool -password $PASSWORD1 -token <token1> -keyFile a1.pem -secretName=app2\n",
    "labels.md": "**Password:** at least 8characters1\n**Token**: base64\n*key*: sha256sum1\n| Token expires | 2027-01-01 |\n",
    "labels.html": '<label>Password:</label> <input id="password2">\n<th>Token</th><th>Scope2</th>\n<td>Secret</td><td>{{ secret1 }}</td>\n',
    "calls.cs": 'var password = config.GetString("password2-of-db");\nvar t = cli.String("token-file1");\n',
    "format.py": 'c = f"UID={user};PWD={password1}"\nd = "PWD={0}"\ne = btoa(f"{user}:{password1}")\n',
    "encode.js": "btoa(user + ':' + pass1);\nBuffer.from('admin:text1', 'utf8');\nbtoa(`${user}:${pass1}`);\n",
    "encode.sh": 'echo -n "$USER1:$PASS1" | base64\necho some-text1 | base64\n',
    "sentences.md": "A token is base64url2. The password is Case1. The key was sha256sum1. A password is 8characters1.\n",
    "heads.html": "<tr><th>Password</th></tr>\n<tr><td>at least 8characters1</td></tr>\n<tr><th>Token</th><td>x1</td></tr>\n",
    "smtp.go": 'auth := smtp.PlainAuth("", "me1@mail.example.net", password, host)\n',
    "vault.sh": "vault login -method=userpass username=me1\nvault login $TOKEN1\n",
    "next.yaml": "password:\n  type: string1\n  token:\n    - one2three\n",
}


@pytest.mark.parametrize(("path", "text"), HARMLESS.items(), ids=HARMLESS)
def test_a_reference_a_word_or_a_description_is_none(path: str, text: str) -> None:
    assert told(text, path) == []


ENTRIES = {
    "container.yaml": "env:\n  - name: {}\n    # of the team\n    value: {}\n",
    "reversed.yaml": "env:\n  - value: {1}\n    name: {0}\n",
    "app.yaml": "envs:\n- key: {}\n  scope: RUN_TIME\n  value: {}\n",
    "task.json": '[{{"name": "{}", "value": "{}"}}]\n',
    "parameters.json": '[{{"ParameterKey": "{}",\n  "ParameterValue": "{}"}}]\n',
    "stack.yaml": "Parameters:\n  {}:\n    Type: String\n    Default: {}\n",
    "variables.tf": 'variable "{}" {{\n  type    = string\n  default = "{}"\n}}\n',
    "secrets.tf": '  secret_name     = "{}"\n  plaintext_value = "{}"\n',
    "Info.plist": "<key>{}</key>\n<string>{}</string>\n",
    "block.yaml": "{}: |\n  {}\n",
    "a.js": "const key = process.env.{} || '{}';\n",
    "a.csv": "service,{},owner\nweb,{},ops\n",
    "table.md": "| Variable | Value |\n|---|---|\n| {} | {} |\n",
}
OF_VENDORS = {
    "DATADOG_API_KEY": "datadog-api-key",
    "DD_APP_KEY": "datadog-app-key",
    "CLOUDFLARE_API_TOKEN": "cloudflare-legacy-token",
    "TWILIO_AUTH_TOKEN": "twilio-auth-token",
    "OKTA_API_TOKEN": "okta-token",
    "HEROKU_API_KEY": "heroku-legacy-key",
}


@pytest.mark.parametrize(("path", "template"), ENTRIES.items(), ids=ENTRIES)
@pytest.mark.parametrize(("name", "kind"), OF_VENDORS.items(), ids=OF_VENDORS)
def test_a_name_in_another_entry_tells_the_vendor(name: str, kind: str, path: str, template: str) -> None:
    vendor = format_by_id(kind)
    assert vendor is not None
    secret = token_of(vendor, SOURCE.getrandbits(32))
    matches = matches_of(template.format(name, secret).encode(), path, Stages())
    assert [(each.type, each.whole.reveal()) for each in matches if isinstance(each, TextMatch)] == [
        (vendor.type, secret)
    ]


def test_a_placeholder_or_another_shape_in_the_next_entry_is_no_vendors() -> None:
    text = "- name: DATADOG_API_KEY\n  value: {}\n"
    for other in ("x" * 32, "a1" * 16, "${DATADOG_API_KEY}"):
        assert told(text.format(other), "a.yaml") == []
    (match,) = scan_assignments(text.format(value(30)), "a.yaml", Profile.DEFAULT)
    assert isinstance(match, TextMatch)
    assert match.type == ASSIGNED


def test_a_value_further_out_than_its_name_belongs_to_another_one() -> None:
    text = f"a:\n  db_password:\n    type: string\nvalue: {value()}\n"
    assert told(text, "a.yaml") == []


def test_in_code_a_bare_word_after_a_name_is_a_variable() -> None:
    assert list(assignments(b"password:\n  otherVariable\n", "a.js")) == []


@pytest.mark.parametrize("columns", [1, 2, 5])
def test_only_the_cells_below_a_head_for_secrets_are_read(columns: int) -> None:
    rows = [[value() for _ in range(columns)] for _ in range(3)]
    for secret in range(columns):
        heads = ["Password" if column == secret else "Host" for column in range(columns)]
        text = "<table><tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>\n"
        text += "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
        text += f"\n<tr><th>Host</th></tr><tr><td>{value()}</td></tr></table>"
        assert [each[2] for each in told(text, "a.html")] == [row[secret] for row in rows]
