"""Names that sound secret, what assigns to them, and names of files with logins. Written by `clean_text_writer`; do not edit."""

ASSIGNED: str = ('(?:(?i:(?:passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\\b|db)pass|pwd|secret|token|credential|authorization|bearer|(?:api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server)[_.-]?key|\\bkey\\b|[_-]key\\b|api[_.-]?auth|\\bauth\\b|salt|otp|connection[_-]?string|webhook)[\\w.-]{0,24}(?:\\x5c{0,2}[\\"\'\\x60]|[\\])]){0,2}[ '
 '\\t]{0,8}(?::?[ \\t]{0,4}(?:str|string|&str|text|varchar)\\b)?[ \\t]{0,8}(?::=|=>|->|[!=]{1,3}|:|,[ '
 '\\t]{0,4}[\\"\']|\\([ \\t]{0,4}[@bruf]{0,2}\\x5c?[\\"\'\\x60]|>|[\\"\'][ \\t]{1,4}value=|[ \\t][\\"\'])[ '
 '\\t]{0,8}[^\\s,;(){}<>&|])|(?i:(?:--[\\w-]{0,24}|\\b(?:ENV|ARG)[ '
 '\\t]{1,4}\\w{0,24})(?:passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\\b|db)pass|pwd|secret|token|credential|authorization|bearer|(?:api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server)[_.-]?key|\\bkey\\b|[_-]key\\b|api[_.-]?auth|\\bauth\\b|salt|otp|connection[_-]?string|webhook)[\\w-]{0,24}[ '
 '\\t]{1,4}[^\\s-]))')
WORDS: tuple[bytes, ...] = (b'auth', b'bearer', b'connection-string', b'connection_string', b'connectionstring', b'credential', b'key', b'otp',
 b'pass', b'pwd', b'salt', b'secret', b'token', b'webhook')
FILES: tuple[str, ...] = ('.docker/config.json', '.dockercfg', '.dockerconfigjson', '.git-credentials', '.kube/config', '.netrc', '.npmrc',
 '.pypirc', '.s3cfg', '.terraformrc', '.vault-token', '_netrc', 'credentials.tfrc.json', 'filezilla.xml', 'htpasswd',
 'kubeconfig', 'my.cnf', 'pgpass', 'rclone.conf', 'recentservers.xml', 'settings-security.xml', 'settings.xml',
 'sitemanager.xml', 'terraform.rc', 'wp-config.php')
