"""`make contracts SPECS=DIR`: every provider file with a published description, compared with it.

DIR holds the descriptions, each named like its service: `openai.yaml`, `sendgrid.json`; or, where the vendor publishes
examples instead, its reference page: `gitlab.md`. A description of several files is a link to its first file. Where to get them says the line `contract` of each provider file.
"""

import sys
from pathlib import Path

from yaml import YAMLError

from tests.fakes.vendors import openapi, reference
from tokenguard.providers.generic.description import Description
from tokenguard.providers.generic.loading import load

SERVICES = Path(__file__).parents[3] / "tokenguard" / "providers" / "services"


def main(folder: str) -> int:
    wrong = compared = 0
    for file in sorted(SERVICES.glob("*.yaml")):
        described = load(file)
        specs = [path for kind in ("yaml", "json", "md") if (path := Path(folder, f"{file.stem}.{kind}")).is_file()]
        if "contract" not in described.source or not specs:
            reason = "no description here" if "contract" in described.source else "its file names none"
            print(f"{file.stem:<14} not compared: {reason}")
            continue
        try:
            found = _differences(described, specs[0])
        except (OSError, TypeError, ValueError, KeyError, YAMLError) as error:
            wrong += 1
            print(f"{file.stem:<14} not compared: its description cannot be read ({type(error).__name__}: {error})")
            continue
        faults = [each for each in found if not each.excused]
        compared, wrong = compared + 1, wrong + bool(faults)
        print(f"{file.stem:<14} {'differs' if faults else 'agrees'}: {described.source['contract']}")
        for each in found:
            print(f"    {each}{f' ({each.excused})' if each.excused else ''}")
    print(f"{compared} compared, {wrong} differ or cannot be read")
    return 1 if wrong or not compared else 0


def _differences(described: Description, spec: Path) -> list[openapi.Difference]:
    if spec.suffix == ".md":
        return list(reference.differences(described, reference.Reference(spec)))
    return list(openapi.differences(described, openapi.Spec(spec)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
