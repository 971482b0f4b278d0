"""Looks up known vulnerabilities of every locked package, and says when the database did not answer.

pip-audit counts a package that it could not look up as passed. Here a package that was not looked up is a failure, and
so is a database that knows nothing of a version with published vulnerabilities.

    python .ci/audit_deps.py PIP-AUDIT LOCK...

Exit 0: all were looked up and none has a known vulnerability. Exit 1: some have. Exit 4: not all could be looked up.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

CONTROL = "jinja2==2.11.2\n"
"""A version with published vulnerabilities, which the database has to know."""
FOUND, UNKNOWN = 1, 4


def look_up(pip_audit, lock, *, hashes):
    command = [pip_audit, "--disable-pip", "--progress-spinner", "off", "--format", "json", "--requirement", lock]
    command += ["--require-hashes"] if hashes else ["--no-deps"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return []


def main(pip_audit, *locks):
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / "control.txt"
        control.write_text(CONTROL)
        if not any(each.get("vulns") for each in look_up(pip_audit, control, hashes=False)):
            print("the database of vulnerabilities cannot be reached: nothing was looked up", file=sys.stderr)
            return UNKNOWN
    code = 0
    for lock in locks:
        found = look_up(pip_audit, lock, hashes=True)
        missed = [each["name"] for each in found if "skip_reason" in each]
        for each in found:
            for flaw in each.get("vulns", ()):
                print(f"{lock}: {each['name']} {each['version']}: {flaw['id']}, fixed in {flaw['fix_versions'] or '?'}")
                code = FOUND
        if missed or not found:
            print(f"{lock}: not looked up: {', '.join(missed) or 'anything'}", file=sys.stderr)
            code = code or UNKNOWN
        print(f"{lock}: {len(found) - len(missed)} of {len(found)} packages looked up")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
