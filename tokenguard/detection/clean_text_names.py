"""Names that sound secret, what assigns to them, and names of files with logins. Written by `clean_text_writer`; do not edit."""

ASSIGNED: str = ('(?:(?i:(?:passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\\b|db|ssh|smtp|mail|user|admin|root|sql|store|key|ftp|login|ldap|redis)pass|pwd|[_.-]pw\\b|secret|token|credential|authorization|bearer|(?:api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server|fernet|validation|decryption)[_.-]?key|\\bkey\\b|[_-]key\\b|(?-i:[a-zA-Z]Key)\\b|api[_.-]?auth|\\bauth\\b|salt|otp|connection[_-]?string|webhook|\\bpsk\\b|authtok|requirepass|masterauth|bindpw|rootpw)[\\w.-]*(?:\\x5c*[\\"\'\\x60]|[\\])]|\\[\\])*[ '
 "\\t]*(?::?[ \\t]*(?:str|string|&str|&'static[ "
 '\\t]str|option<string>|text|varchar|secretstr|bytes|final\\[str\\])(?:\\b|[ \\t])|[ \\t]As[ \\t]String\\b)?[ '
 '\\t]*(?:(?:,[ \\t]+(?:_|err|ok)[ \\t]+)?:=|[?]=|:-|=>|->|<-|[!=]+|\\}\\{|:|,[ \\t]*(?:<<)?[\\"\']|\\([ '
 '\\t]*(?:[\\w.]*(?:decode|from|hex|byte|atob)\\w*\\()?[@bruf]*\\x5c?[\\"\'\\x60]|>|[\\"\'][ \\t]+value=|[ '
 '\\t]@?[\\"\']|(?:\\|\\|=?|\\?\\?=?|\\b(?:or|to)\\b)[ \\t]*[\\"\'])[ \\t]*[^\\s,;(){}<>&|])|(?i:(?:--[\\w-]*|[ '
 '\\t]-[\\w-]*|\\b(?:ENV|ARG)[ '
 '\\t]+\\w*)(?:passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\\b|db|ssh|smtp|mail|user|admin|root|sql|store|key|ftp|login|ldap|redis)pass|pwd|[_.-]pw\\b|secret|token|credential|authorization|bearer|(?:api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server|fernet|validation|decryption)[_.-]?key|\\bkey\\b|[_-]key\\b|(?-i:[a-zA-Z]Key)\\b|api[_.-]?auth|\\bauth\\b|salt|otp|connection[_-]?string|webhook|\\bpsk\\b|authtok|requirepass|masterauth|bindpw|rootpw)[\\w-]*[ '
 '\\t]+[^\\s-]))|(?i:(?:passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\\b|db|ssh|smtp|mail|user|admin|root|sql|store|key|ftp|login|ldap|redis)pass|pwd|[_.-]pw\\b|secret|token|credential|authorization|bearer|(?:api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server|fernet|validation|decryption)[_.-]?key|\\bkey\\b|[_-]key\\b|(?-i:[a-zA-Z]Key)\\b|api[_.-]?auth|\\bauth\\b|salt|otp|connection[_-]?string|webhook|\\bpsk\\b|authtok|requirepass|masterauth|bindpw|rootpw)[\\w.-]*[\\"\']?[ '
 '\\t]*(?:[:=][ \\t]*(?:[|>][+-]?|\\x22{3}|\'{3}|<<[<~-]?[ \\t]?[\\"\']?\\w+[\\"\']?|\\\\)?[ \\t]*$|:[ '
 '\\t]*\\{))|(?i:(?:name|key|env_?var|variable)[\\"\']?[ \\t]*[:=][ '
 '\\t]*[\\"\']?[\\w./-]*(?:passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\\b|db|ssh|smtp|mail|user|admin|root|sql|store|key|ftp|login|ldap|redis)pass|pwd|[_.-]pw\\b|secret|token|credential|authorization|bearer|(?:api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server|fernet|validation|decryption)[_.-]?key|\\bkey\\b|[_-]key\\b|(?-i:[a-zA-Z]Key)\\b|api[_.-]?auth|\\bauth\\b|salt|otp|connection[_-]?string|webhook|\\bpsk\\b|authtok|requirepass|masterauth|bindpw|rootpw)s?(?:[0-9_.-][\\w.-]*)?(?:[\\"\',]|[ '
 '\\t]|$)|<(?:[a-z]+-)?(?:name|key)>[ '
 '\\t]*[\\w./-]*(?:passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\\b|db|ssh|smtp|mail|user|admin|root|sql|store|key|ftp|login|ldap|redis)pass|pwd|[_.-]pw\\b|secret|token|credential|authorization|bearer|(?:api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server|fernet|validation|decryption)[_.-]?key|\\bkey\\b|[_-]key\\b|(?-i:[a-zA-Z]Key)\\b|api[_.-]?auth|\\bauth\\b|salt|otp|connection[_-]?string|webhook|\\bpsk\\b|authtok|requirepass|masterauth|bindpw|rootpw)[\\w.-]*[ '
 '\\t]*</|<[\\w./-]*(?:passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\\b|db|ssh|smtp|mail|user|admin|root|sql|store|key|ftp|login|ldap|redis)pass|pwd|[_.-]pw\\b|secret|token|credential|authorization|bearer|(?:api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server|fernet|validation|decryption)[_.-]?key|\\bkey\\b|[_-]key\\b|(?-i:[a-zA-Z]Key)\\b|api[_.-]?auth|\\bauth\\b|salt|otp|connection[_-]?string|webhook|\\bpsk\\b|authtok|requirepass|masterauth|bindpw|rootpw)[\\w.-]*>[ '
 '\\t]*(?:<!\\[CDATA\\[|<value>|$)|\\bvariable[ '
 '\\t]+\\"[\\w./-]*(?:passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\\b|db|ssh|smtp|mail|user|admin|root|sql|store|key|ftp|login|ldap|redis)pass|pwd|[_.-]pw\\b|secret|token|credential|authorization|bearer|(?:api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server|fernet|validation|decryption)[_.-]?key|\\bkey\\b|[_-]key\\b|(?-i:[a-zA-Z]Key)\\b|api[_.-]?auth|\\bauth\\b|salt|otp|connection[_-]?string|webhook|\\bpsk\\b|authtok|requirepass|masterauth|bindpw|rootpw)[\\w.-]*\\"[ '
 '\\t]*\\{|\\bsend[ \\t]+(?:-- )?[\\"\'][^\\"\'\\n]+\\x5c[rn])|(?i:\\b(?:setenv|setx|set(?:[ \\t]+-[a-z]+)?|read(?:[ '
 '\\t]+-r)?|proxy_set_header|fastcgi_param|header_up|(?:set|add)[_-]header|requestheader[ \\t]+set)[ '
 '\\t]+[\\w.:-]*(?:passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\\b|db|ssh|smtp|mail|user|admin|root|sql|store|key|ftp|login|ldap|redis)pass|pwd|[_.-]pw\\b|secret|token|credential|authorization|bearer|(?:api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server|fernet|validation|decryption)[_.-]?key|\\bkey\\b|[_-]key\\b|(?-i:[a-zA-Z]Key)\\b|api[_.-]?auth|\\bauth\\b|salt|otp|connection[_-]?string|webhook|\\bpsk\\b|authtok|requirepass|masterauth|bindpw|rootpw)[\\w.-]*[ '
 '\\t]+(?:<<<[ '
 '\\t]*)?[\\"\'{]?[^\\s\\"\'=<]*[0-9]|(?:passw(?:or)?d|secret|requirepass|masterauth|bindpw|rootpw|\\bpsk|\\bcommunity|\\bkey)[\\"\']?[ '
 '\\t,]+(?:[07][ \\t]+)?[\\"\']?[^\\s\\"\'=:<>()]*[0-9]|\\b(?:bearer|basic)[ '
 '\\t]+[A-Za-z0-9+/_.=~-]{16})|(?i:(?:passw(?:or)?d|passphrase|passcode|secret|token|(?:\\b|[_-])key)(?:[ '
 '\\t]+(?:is|was|to|with)|:)?[ \\t]+\\x60[^\\x60\\s]*[0-9][^\\x60\\s]*\\x60|\\|[ \\t]*[*\\x60]*[\\w '
 ']*(?:passw(?:or)?d|passphrase|passcode|secret|token|(?:\\b|[_-])key)[*\\x60]*[ \\t]*\\|[ '
 '\\t]*\\x60?[^\\s|\\x60]*[0-9]|(?:[>*]|__)[\\w '
 ']*(?:passw(?:or)?d|passphrase|passcode|secret|token|(?:\\b|[_-])key)(?:[ \\t]*:[ '
 '\\t]*(?:</(?:b|strong|span|code|label)>|\\*+|__)(?:[ '
 '\\t]*</(?:td|th|dt)>)?|(?:</(?:b|strong|span|code|label)>|\\*+|__)[ '
 '\\t]*:|:?(?:</(?:b|strong|span|code|label)>|\\*+|__)?[ '
 '\\t]*</(?:td|th|dt)>)|(?:passw(?:or)?d|passphrase|passcode|secret|token|(?:\\b|[_-])key)[ \\t](?:is|was)[ \\t]?:?[ '
 '\\t]+[^\\s\\"\'\\x60|<>:=(]*[0-9])|(?im:^(?:[\\w .\\"\'\\x60/,;\\t|*-]*[,;\\t|][ ]?[\\"\'\\x60*\\[\\]]*[\\w '
 '.-]*(?:passw(?:or)?d|passwort|pwd|secret|token|(?:api|access|account|admin|app|auth|client|encryption|private|secret|signing|storage)[_ '
 '-]?key)(?:[_ -]?(?:value|plain|clear))?[\\"\'\\x60*\\[\\]]*[ ]*(?:[,;\\t|][\\w '
 '.\\"\'\\x60/,;\\t|*-]*)?|[\\"\'\\x60*\\[\\]]*[\\w '
 '.-]*(?:passw(?:or)?d|passwort|pwd|secret|token|(?:api|access|account|admin|app|auth|client|encryption|private|secret|signing|storage)[_ '
 '-]?key)(?:[_ -]?(?:value|plain|clear))?[\\"\'\\x60*\\[\\]]*[ ]*[,;\\t|][\\w '
 '.\\"\'\\x60/,;\\t|*-]*)$|(?:\\b(?:into|copy)\\s+[\\w.\\x60\\"\\[\\]]+\\s*\\([^()]*?[\\"\'\\x60*\\[\\]]*[\\w '
 '.-]*(?:passw(?:or)?d|passwort|pwd|secret|token|(?:api|access|account|admin|app|auth|client|encryption|private|secret|signing|storage)[_ '
 '-]?key)(?:[_ -]?(?:value|plain|clear))?[\\"\'\\x60*\\[\\]]*[ '
 ']*\\s*(?:--[^\\n]*|/\\*[^*]*\\*/)?\\s*(?:,[^()]*)?\\)|\\bcreate[ \\t]+table[ \\t]+(?:if[ \\t]+not[ \\t]+exists[ '
 '\\t]+)?[\\w.\\x60\\"\\[\\]]+\\s*\\((?:[^;]*?,)?\\s*[\\"\'\\x60*\\[\\]]*[\\w '
 '.-]*(?:passw(?:or)?d|passwort|pwd|secret|token|(?:api|access|account|admin|app|auth|client|encryption|private|secret|signing|storage)[_ '
 '-]?key)(?:[_ -]?(?:value|plain|clear))?[\\"\'\\x60*\\[\\]]*[ ]*[ \\t]+\\w))')
WORDS: tuple[bytes, ...] = (b'-pw', b'.pw', b'_pw', b'auth', b'basic', b'bearer', b'bindpw', b'community', b'connection-string',
 b'connection_string', b'connectionstring', b'credential', b'key', b'otp', b'pass', b'psk', b'pwd', b'salt',
 b'secret', b'token', b'webhook')
FILES: tuple[str, ...] = ('.bundle/config', '.conf', '.curlrc', '.docker/config.json', '.dockercfg', '.dockerconfigjson', '.git-credentials',
 '.kube/config', '.netrc', '.npmrc', '.pypirc', '.s3cfg', '.terraformrc', '.vault-token', '.yarnrc.yml', '/conf.d/',
 '_curlrc', '_netrc', 'chap-secrets', 'config/credentials/', 'config/master.key', 'credentials.tfrc.json',
 'filezilla.xml', 'htpasswd', 'kubeconfig', 'my.cnf', 'pap-secrets', 'pgpass', 'recentservers.xml', 'rsyncd.passwd',
 'rsyncd.secrets', 'settings-security.xml', 'settings.xml', 'sitemanager.xml', 'terraform.rc', 'userlist.txt',
 'wp-config.php')
