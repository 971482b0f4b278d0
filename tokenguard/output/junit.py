"""JUnit XML, for build servers: one failed test case for each result, one skipped case for what does not count."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from tokenguard.frozen import Frozen
from tokenguard.text import inert_xml


class JunitCase(Frozen, frozen=True, kw_only=True):
    """One test case: failed if it has a `failure`, skipped if it has a reason in `skipped`, passed otherwise."""

    classname: str
    name: str
    failure: str = ""
    failure_type: str = ""
    details: str = ""
    skipped: str = ""


def junit_text(suite_name: str, cases: Sequence[JunitCase]) -> str:
    """One suite with its counts."""
    suite = ET.Element(
        "testsuite",
        name=suite_name,
        tests=str(len(cases)),
        failures=str(sum(bool(case.failure) for case in cases)),
        skipped=str(sum(bool(case.skipped) for case in cases)),
        errors="0",
    )
    for case in cases:
        element = ET.SubElement(suite, "testcase", classname=case.classname, name=case.name)
        if case.failure:
            failure = ET.SubElement(element, "failure", message=case.failure, type=case.failure_type)
            failure.text = case.details
        elif case.skipped:
            ET.SubElement(element, "skipped", message=case.skipped)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + inert_xml(ET.tostring(suite, encoding="unicode")) + "\n"
