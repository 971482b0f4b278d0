"""Addresses: https, or this machine; nothing hidden in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.errors import InputError
from tokenguard.http.address import Address

GOOD = {
    "https://descriptapi.com/v1": "https://descriptapi.com/v1",
    "HTTPS://Example.COM:443/": "https://example.com",
    "https://a.example:8443/x/y/": "https://a.example:8443/x/y",
    "http://127.0.0.1:8080/v1": "http://127.0.0.1:8080/v1",
    "http://127.9.9.9": "http://127.9.9.9",
    "http://localhost:1": "http://localhost:1",
    "http://[::1]:9": "http://[::1]:9",
    "https://[2001:DB8::1]/a": "https://[2001:db8::1]/a",
}

BAD = [
    "", "x", "example.com", "//example.com", "ftp://example.com", "file:///etc/passwd", "https://", "https:///x",
    "http://example.com", "http://10.0.0.1", "http://169.254.169.254/latest", "http://0.0.0.0:80", "http://[::]:80",
    "http://127.1", "http://2130706433", "http://0x7f000001", "http://0177.0.0.1", "http://[::ffff:127.0.0.1]",
    "http://127.0.0.1.example.com", "http://localhost.example.com", "http://127.0.0.1@evil.example", "http://evil.example#@127.0.0.1",
    "https://user@example.com", "https://user:tgcanary@example.com", "https://@example.com", "https://example.com?x=1",
    "https://example.com/?", "https://example.com/#", "https://example.com/a?b", "https://example.com/../x",
    "https://example.com/a/./b", "https://example.com/a//b", "https://example.com/%2e%2e", "https://exa mple.com",
    "https://example.com\r\nX: y", "https://example.com\t", "https://exämple.com", "https://example.com\\@evil.example",
    "https://example.com:99999", "https://example.com:x", "https://-x.example", "https://" + "a" * 300, "https://[::1",
    "https://[x]", "https://example..com", "https://ex\x00ample.com", "https://example.com/" + "a" * 3000, "https://127.0.0.1\u3002x",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_a_good_address_has_one_spelling(text):
    assert str(Address.parse(text)) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_a_bad_address_is_refused_without_showing_it(text):
    with pytest.raises(InputError) as caught:
        Address.parse(text)
    assert "tgcanary" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("text", ["vault.example.org:8200", "vault.example.org", "127.0.0.1:8200", "localhost:8200/v1"])
def test_an_address_without_a_scheme_is_told_so(text):
    with pytest.raises(InputError, match="begin with https://"):
        Address.parse(text)


def test_a_proxy_may_speak_plain_http_and_nothing_else_changes(words):
    assert str(Address.parse("http://proxy.example:3128", plain_http=True)) == "http://proxy.example:3128"
    with pytest.raises(InputError) as caught:
        Address.parse("http://u:tgcanary@proxy.example", what="proxy", plain_http=True)
    words(caught.value)


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_an_input_error(text):
    for candidate in (text, f"https://{text}", f"http://127.0.0.1{text}"):
        try:
            address = Address.parse(candidate)
        except InputError:
            continue
        assert address.scheme == "https" or address.loopback
        assert Address.parse(str(address)) == address
