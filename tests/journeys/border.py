"""Kamailio and rtpengine on loopback, with the configuration that ships: TLS and SRTP outside, plain SIP inside."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.programs import free_ports, need_program, search_path

SBC = Path(__file__).parents[2] / "voice" / "sip" / "sbc"
PROGRAMS = {"kamailio": "kamailio kamailio-tls-modules", "rtpengine": "rtpengine-daemon", "openssl": "openssl"}


@dataclass(frozen=True)
class Border:
    """A running session border controller.

    Attributes:
        tls: port for phones and trunks, over TLS.
        plain: port for UDP and TCP.
        certificate: what it shows; self-signed.
        log: what Kamailio says.
    """

    tls: int
    plain: int
    certificate: Path
    log: Path


def need_border() -> None:
    """Skip where a program is missing, but fail where CI=true."""
    for program, package in PROGRAMS.items():
        need_program(program, package)


@contextmanager
def border(folder: Path, nodes: Sequence[int]) -> Iterator[Border]:
    """The session border controller before Warmline nodes at `nodes` (ports on loopback)."""
    tls, plain, inside, control = free_ports(4)
    key, certificate = folder / "key.pem", folder / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    make += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(make, check=True, capture_output=True)
    profile = (SBC / "tls.cfg").read_text(encoding="ascii")
    profile = re.sub(r"^private_key = .*$", f"private_key = {key}", profile, flags=re.M)
    profile = re.sub(r"^certificate = .*$", f"certificate = {certificate}", profile, flags=re.M)
    profile = re.sub(r"^ca_list = .*$", f"ca_list = {certificate}", profile, flags=re.M)
    (folder / "tls.cfg").write_text(profile, encoding="ascii")
    (folder / "dispatcher.list").write_text(
        "".join(f"1 sip:127.0.0.1:{node} 0 0\n" for node in nodes), encoding="ascii"
    )
    (folder / "address.list").write_text("1 127.0.0.1 32\n", encoding="ascii")
    relay = (SBC / "rtpengine.conf").read_text(encoding="ascii")
    relay = re.sub(r"^interface = .*$", "interface = outside/127.0.0.1;inside/127.0.0.2", relay, flags=re.M)
    relay = re.sub(r"^listen-ng = .*$", f"listen-ng = 127.0.0.1:{control}", relay, flags=re.M)
    (folder / "rtpengine.conf").write_text(relay, encoding="ascii")
    defined = {
        "OUTSIDE_TLS": f"tls:127.0.0.1:{tls}",
        "OUTSIDE_UDP": f"udp:127.0.0.1:{plain}",
        "OUTSIDE_TCP": f"tcp:127.0.0.1:{plain}",
        "INSIDE": f"udp:127.0.0.1:{inside}",
        "RTPENGINE": f'"udp:127.0.0.1:{control}"',
        "NODES": f'"{folder}/dispatcher.list"',
        "SOURCES": f'"{folder}/address.list"',
        "TLS_PROFILE": f'"{folder}/tls.cfg"',
        "PROBE_S": "1",
    }
    with ExitStack() as stack:
        rtpengine = [f"--config-file={folder}/rtpengine.conf", "--foreground", "--log-stderr", "--log-level=6"]
        stack.enter_context(_running(["rtpengine", *rtpengine], folder / "rtpengine.log", "Startup complete"))
        options = [word for name, value in defined.items() for word in ("-A", f"{name}={value}")]
        kamailio = ["kamailio", "-f", str(SBC / "kamailio.cfg"), "-DD", "-E", "-m", "32", "-M", "8"]
        kamailio += ["-Y", str(folder), "-P", str(folder / "kamailio.pid"), *options]
        log = folder / "kamailio.log"
        # The dispatcher has asked the first node and heard from it, or the gate is shut.
        stack.enter_context(_running(kamailio, log, r"rtpp_test\(\): rtpengine instance .* found"))
        yield Border(tls, plain, certificate, log)


@contextmanager
def _running(command: Sequence[str], log: Path, ready: str) -> Iterator[None]:
    """A program, once its log says `ready`; ended on leaving."""
    environment = os.environ | {"PATH": search_path()}
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, env=environment)
        try:
            _wait_for(process, log, ready)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(process: subprocess.Popen[bytes], log: Path, ready: str) -> None:
    follow = ["timeout", "30", "tail", "-n", "+1", "-F", f"--pid={process.pid}", str(log)]
    with subprocess.Popen(follow, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
        try:
            assert reader.stdout is not None
            for line in reader.stdout:
                if re.search(ready, line.decode(errors="replace")):
                    return
            raise AssertionError(f"{process.args!r} did not come up:\n{log.read_text(errors='replace')[-3000:]}")
        finally:
            reader.kill()
