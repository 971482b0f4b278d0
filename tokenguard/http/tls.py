"""TLS settings: TLS 1.2 or newer, certificates from the system or from the configured bundle only."""

import os
import ssl
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import shown


def context(ca_bundle: Path | None) -> ssl.SSLContext:
    """A client context that verifies host names; InputError if the bundle is unusable or keys would be logged."""
    refuse_key_log()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_bundle is None:
        _trust_system(made)
        return made
    try:
        made.load_verify_locations(cafile=ca_bundle)
    except (OSError, ssl.SSLError):
        raise InputError(
            f"the CA bundle cannot be used: {shown(ca_bundle)}",
            hint="name a readable PEM file with one or more certificates",
        ) from None
    return made


def refuse_key_log() -> None:
    """InputError if the environment asks for TLS keys to be logged; libraries of others would do that."""
    if os.environ.get("SSLKEYLOGFILE"):
        raise InputError(
            "the environment requests that TLS keys are logged (SSLKEYLOGFILE)",
            hint="unset SSLKEYLOGFILE: its file allows every token that is sent to be decrypted",
        )


def _trust_system(made: ssl.SSLContext) -> None:
    # the compiled-in places, since `load_default_certs` would let SSL_CERT_FILE and SSL_CERT_DIR replace them
    paths = ssl.get_default_verify_paths()
    file = paths.openssl_cafile if Path(paths.openssl_cafile).is_file() else None
    folder = paths.openssl_capath if Path(paths.openssl_capath).is_dir() else None
    if file or folder:
        made.load_verify_locations(cafile=file, capath=folder)
