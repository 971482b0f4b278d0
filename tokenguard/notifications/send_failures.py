"""Explains why a message could not be sent: words for the short reasons that channels give and the outbox keeps."""

_MEANINGS = {
    "connect": "no connection to the receiver; check its address and that it is reachable from here",
    "disconnected": "the mail server closed the connection before it accepted the message",
    "failed": "the service could not be used; check its address and that it is reachable from here",
    "handshake": "no TLS connection; check that the receiver speaks https at this port",
    "no-login": "the mail server offers no login here; remove `user` and `secret`, or change `smtp` or `tls`",
    "no-starttls": "the mail server offers no STARTTLS",
    "recipients-refused": "the mail server refused all recipients; check `to`",
    "redirect": "the receiver redirects, which is not followed; configure its final address",
    "refused": "the service was not reached or did not accept the message; check its address and token",
    "reset": "the receiver closed the connection, or does not speak HTTP",
    "some-recipients-refused": "the mail server refused some of the recipients; check `to`",
    "timeout": "the receiver did not answer in time",
    "tls": "no TLS connection; check the receiver's certificate and `ca_bundle`",
    "too-large": "the receiver's answer is too long",
    "unsendable": "the signature cannot be sent; check the route's secret",
}


def explained(reason: str) -> str:
    """The reason with its meaning, for people; a reason without one as it is."""
    meaning = _MEANINGS.get(reason, "")
    kind, _, number = reason.rpartition("-")
    if kind in {"http", "smtp"}:
        meaning = f"{'the receiver' if kind == 'http' else 'the mail server'} answered {number}"
        if kind == "http" and number in {"401", "403"}:
            meaning += "; check the route's secret and address"
        elif kind == "http" and number in {"404", "410"}:
            meaning += "; check the route's address"
        elif number.startswith("5") and kind == "http":
            meaning += "; look at the receiver's log"
        elif number in {"530", "535"}:
            meaning += "; check the route's user and secret"
        elif number.startswith("4") and kind == "smtp":
            meaning += ", which is temporary"
    return f"{reason} ({meaning})" if meaning else reason
