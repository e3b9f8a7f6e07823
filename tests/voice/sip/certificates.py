"""Certificates for tests: an authority, and who it signed."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Signed:
    """A certificate with its key, both in files.

    Attributes:
        certificate: PEM.
        key: its private key, PEM.
        both: one file with both.
        authority: who signed it.
    """

    certificate: Path
    key: Path
    both: Path
    authority: Path


def sign(folder: Path, name: str, *, address: str = "127.0.0.1") -> Signed:
    """A certificate for an address, signed by the folder's authority, which is made where there is none."""
    authority, authority_key = folder / "authority.pem", folder / "authority.key"
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    if not authority.exists():
        made = ["-x509", "-keyout", str(authority_key), "-out", str(authority), "-days", "2", "-subj", "/CN=authority"]
        subprocess.run([*new, *made], check=True, capture_output=True)
    key, request, certificate = folder / f"{name}.key", folder / f"{name}.csr", folder / f"{name}.pem"
    subprocess.run(
        [*new, "-keyout", str(key), "-out", str(request), "-subj", f"/CN={address}"], check=True, capture_output=True
    )
    names = folder / f"{name}.names"
    names.write_text(f"subjectAltName=IP:{address}\n", encoding="ascii")
    command = ["openssl", "x509", "-req", "-in", str(request), "-CA", str(authority), "-CAkey", str(authority_key)]
    command += ["-CAcreateserial", "-days", "2", "-out", str(certificate), "-extfile", str(names)]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / f"{name}-both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    return Signed(certificate, key, both, authority)
