"""Lock files of ten package managers, with random digests where each has them."""

import base64
import random
from pathlib import Path

_PACKAGES = 40
_FORMS = {
    "package-lock.json": '    "node_modules/{name}": {{"version": "1.2.3", "resolved": "https://registry.example.net/'
    '{name}/-/{name}-1.2.3.tgz", "integrity": "sha512-{sri}"}},\n',
    "yarn.lock": '{name}@^1.0.0:\n  version "1.2.3"\n  resolved "https://registry.example.net/{name}-1.2.3.tgz#{sha1}"\n'
    "  integrity sha512-{sri}\n\n",
    "pnpm-lock.yaml": "  /{name}@1.2.3:\n    resolution: {{integrity: sha512-{sri}}}\n    engines: {{node: '>=8'}}\n",
    "poetry.lock": '[[package]]\nname = "{name}"\nversion = "1.2.3"\nfiles = [\n'
    '    {{file = "{name}-1.2.3.tar.gz", hash = "sha256:{sha256}"}},\n]\n\n',
    "uv.lock": '[[package]]\nname = "{name}"\nversion = "1.2.3"\n'
    'sdist = {{ url = "https://files.example.net/{name}.tar.gz", hash = "sha256:{sha256}", size = 1 }}\n\n',
    "Pipfile.lock": '    "{name}": {{"hashes": ["sha256:{sha256}"], "version": "==1.2.3"}},\n',
    "Cargo.lock": '[[package]]\nname = "{name}"\nversion = "1.2.3"\nchecksum = "{sha256}"\n\n',
    "go.sum": "example.net/{name} v1.2.3 h1:{h1}=\nexample.net/{name} v1.2.3/go.mod h1:{h1}=\n",
    "composer.lock": '  {{"name": "a/{name}", "version": "1.2.3", '
    '"dist": {{"reference": "{sha1}", "shasum": "{sha1}"}}}},\n',
    "Gemfile.lock": "    {name} (1.2.3)\n  {name} (1.2.3) sha256={sha256}\n",
    ".terraform.lock.hcl": 'provider "registry.example.net/a/{name}" {{\n  version = "1.2.3"\n  hashes = [\n'
    '    "h1:{h1}=",\n    "zh:{sha256}",\n  ]\n}}\n',
    "requirements.txt": "{name}==1.2.3 \\\n    --hash=sha256:{sha256}\n",
}


def write_lock_files(root: Path) -> int:
    """One of each kind below the folder; how many."""
    chance = random.Random(11)
    for name, form in _FORMS.items():
        rows = (form.format(**_package(chance)) for _ in range(_PACKAGES))
        folder = root / name.strip(".").replace(".", "-")
        folder.mkdir(parents=True)
        (folder / name).write_text("".join(rows))
    return len(_FORMS)


def _package(chance: random.Random) -> dict[str, str]:
    return {
        "name": chance.choice(("token", "api-key", "secret", "auth", "left-pad", "password-hash")),
        "sri": base64.b64encode(chance.randbytes(64)).decode(),
        "h1": base64.b64encode(chance.randbytes(32)).decode().rstrip("="),
        "sha1": chance.randbytes(20).hex(),
        "sha256": chance.randbytes(32).hex(),
    }
