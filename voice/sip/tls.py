"""What signalling over TLS shows and believes."""

from __future__ import annotations

import ssl

from voice.contracts.sip_errors import SipTlsError
from voice.sip.trunks import TlsSettings


def server_context(tls: TlsSettings) -> ssl.SSLContext | None:
    """How who connects is answered; None where there is no certificate to show.

    Raises:
        SipTlsError: a file cannot be read, or key and certificate do not belong together.
    """
    if tls.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, tls)
    if tls.verifies_callers:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def caller_context(tls: TlsSettings) -> ssl.SSLContext:
    """How we connect: who is called has to show a certificate with its name, signed by somebody who is believed.

    Raises:
        SipTlsError: a file cannot be read, or key and certificate do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load(context, tls)
    return context


def _load(context: ssl.SSLContext, tls: TlsSettings) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
        if tls.authorities is not None:
            context.load_verify_locations(tls.authorities)
        else:
            context.load_default_certs(
                ssl.Purpose.CLIENT_AUTH if context.protocol is ssl.PROTOCOL_TLS_SERVER else ssl.Purpose.SERVER_AUTH
            )
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        files = ", ".join(str(file) for file in (tls.certificate, tls.key, tls.authorities) if file is not None)
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise SipTlsError(
            f"A certificate and its private key were expected in PEM files; {files}: {why}.",
            fix="Check `tls.certificate`, `tls.key` and `tls.authorities` in the trunks file.",
        ) from error


def _no_password() -> str:
    """A key behind a password cannot be used by a server that starts alone; without this, OpenSSL would ask for one."""
    raise ValueError("the private key is behind a password")
