"""make_ssl_context: other authorities, certificates of our own, and files that are none."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from trio_live import (
    ConfigError,
    ConnectError,
    GoogleAI,
    LiveError,
    SessionConfig,
    make_ssl_context,
    open_session,
)
from trio_live.testing import LiveServer

PASSWORD = "PLANTED"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Write a certificate authority, and a client's certificate with its key in three forms."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    client = authority.issue_cert("client.example")
    key = load_pem_private_key(client.private_key_pem.bytes(), None)
    contents = {
        "ca": authority.cert_pem.bytes(),
        "server": authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes(),
        "certificate": client.cert_chain_pems[0].bytes(),
        "key": client.private_key_pem.bytes(),
        "both": client.private_key_and_cert_chain_pem.bytes(),
        "locked": key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())
        ),
        "noise": b"PLANTED",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in contents} | {"missing": str(folder / "missing")}


@pytest.mark.parametrize(
    "mine",
    [
        {"certificate_file": "both"},
        {"certificate_file": "certificate", "key_file": "key"},
        {"certificate_file": "certificate", "key_file": "locked", "key_password": PASSWORD},
    ],
)
async def test_server_that_wants_a_certificate_gets_it(
    mine: dict[str, str], files: dict[str, str]
) -> None:
    """A CA file is trusted, and a client certificate is shown; without one there is no session."""
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files["ca"])
    theirs.verify_mode = ssl.CERT_REQUIRED
    theirs.load_cert_chain(files["server"])

    async def connect(context: ssl.SSLContext | None) -> None:
        endpoint = GoogleAI("k", base_url=url)
        async with open_session(SessionConfig("m"), endpoint=endpoint, ssl_context=context):
            pass

    named: Any = {name: files.get(value, value) for name, value in mine.items()}
    with trio.fail_after(60):
        async with LiveServer() as server:
            url = await server.listen("localhost", ssl_context=theirs)
            await connect(make_ssl_context(ca_file=Path(files["ca"]), **named))
            assert len(server.sessions) == 1
            with pytest.raises(LiveError):
                await connect(make_ssl_context(ca_file=files["ca"]))
            with pytest.raises(ConnectError, match="certificate was not accepted"):
                await connect(None)
            assert len(server.sessions) == 1


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"ca_file": "missing"}, "ca_file .* cannot be used: No such file or directory"),
        ({"ca_file": "noise"}, "ca_file .* cannot be used: "),
        ({"certificate_file": "missing"}, "certificate_file .* cannot be used: No such file"),
        ({"certificate_file": "noise"}, "certificate_file .* cannot be used: "),
        ({"certificate_file": "certificate"}, "certificate_file .* cannot be used: "),
        (
            {"certificate_file": "certificate", "key_file": "locked"},
            "certificate_file .* cannot be used: ",
        ),
        (
            {"certificate_file": "certificate", "key_file": "locked", "key_password": "x"},
            "certificate_file .* cannot be used: ",
        ),
        ({"key_file": "key"}, "key_file and key_password go with certificate_file"),
        ({"key_password": "PLANTED"}, "key_file and key_password go with certificate_file"),
    ],
)
def test_file_that_cannot_be_used_is_a_config_error(
    settings: dict[str, Any], complaint: str, files: dict[str, str]
) -> None:
    """The file is named; nobody is asked for a password on the terminal; no content is shown."""
    with pytest.raises(ConfigError, match=complaint) as caught:
        make_ssl_context(**{name: files.get(value, value) for name, value in settings.items()})
    assert "PLANTED" not in str(caught.value)
