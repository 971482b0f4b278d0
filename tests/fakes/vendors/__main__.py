"""`make contracts SPECS=DIR`: every provider file with a published description, compared with it.

DIR holds the descriptions, each named like its service: `openai.yaml`, `sendgrid.json`; or, where the vendor publishes
examples instead, its reference page: `gitlab.md`. Where to get them says the line `contract` of each provider file.
"""

import sys
from pathlib import Path

from tests.fakes.vendors import openapi, reference
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
        if specs[0].suffix == ".md":
            found = list(reference.differences(described, reference.Reference(specs[0])))
        else:
            found = list(openapi.differences(described, openapi.Spec(specs[0])))
        faults = [each for each in found if not each.excused]
        compared, wrong = compared + 1, wrong + bool(faults)
        print(f"{file.stem:<14} {'differs' if faults else 'agrees'}: {described.source['contract']}")
        for each in found:
            print(f"    {each}{f' ({each.excused})' if each.excused else ''}")
    print(f"{compared} compared, {wrong} differ")
    return 1 if wrong or not compared else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
