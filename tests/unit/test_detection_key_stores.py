"""A file that holds a private key behind a password is a finding, whatever it is called."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from tokenguard.scanning.content import Blob
from tokenguard.scanning.scanner import Stages, scan

KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("protection", [NoEncryption(), BestAvailableEncryption(b"notasecret")])
def test_a_pkcs12_key_store_is_found_by_its_content(protection: NoEncryption | BestAvailableEncryption) -> None:
    data = serialize_key_and_certificates(b"app", KEY, None, None, protection)
    report = scan([Blob(path="assets/app.bin", data=data)], Stages())
    assert [(each.type, each.line) for each in report.findings] == [("Key Store", 1)]


def test_a_java_key_store_is_found() -> None:
    data = bytes.fromhex("feedfeed00000002") + bytes(80)
    assert [each.type for each in scan([Blob(path="a.jks", data=data)], Stages()).findings] == ["Key Store"]


@pytest.mark.parametrize("data", [b"", b"0", b"0\x82\x01\x02" + bytes(60), b"\xfe\xed\xfa\xce" + bytes(60)])
def test_other_binary_files_are_none(data: bytes) -> None:
    assert scan([Blob(path="a.p12", data=data)], Stages()).findings == ()
