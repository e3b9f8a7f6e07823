"""Debian's Kamailio as the registrar of a provider: it asks for a password and remembers who is where."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import need_program, search_path

_CONFIG = """\
#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=1
tcp_children=1
disable_tcp=no
auto_aliases=no
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "tm.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "default_expires", {expires})
modparam("registrar", "min_expires", 1)
modparam("registrar", "max_expires", {expires})
modparam("auth", "algorithm", "{algorithm}")
modparam("auth", "qop", "auth")

request_route {{
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("pbx", "{password}", "0")) {{
            auth_challenge("pbx", "1");
            exit;
        }}
        if ($hdr(Expires) == "0") {{ xlog("L_WARN", "GOODBYE\\n"); }} else {{ xlog("L_WARN", "WELCOME $au\\n"); }}
        save("location");
        exit;
    }}
    if (is_method("INVITE") && !has_totag()) {{
        if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
        t_relay();
        exit;
    }}
    t_relay();
}}
"""


@contextmanager
def run_registrar(
    folder: Path, port: int, *, password: str, algorithm: str = "MD5", expires: int = 60
) -> Iterator[Path]:
    """A registrar on loopback that knows one password.

    Args:
        folder: for its files.
        port: UDP and TCP.
        password: whoever says it is welcome.
        algorithm: of its challenge, MD5 or SHA-256.
        expires: how long it remembers anybody, s.

    Yields:
        Its log: a line WELCOME for each registration, GOODBYE for each that is taken back.
    """
    program = need_program("kamailio", "kamailio")
    config, log = folder / "registrar.cfg", folder / "registrar.log"
    config.write_text(
        _CONFIG.format(port=port, expires=expires, algorithm=algorithm, password=password), encoding="ascii"
    )
    command = [program, "-f", str(config), "-DD", "-E", "-m", "32", "-M", "8", "-Y", str(folder)]
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [*command, "-P", str(folder / "registrar.pid")], stdout=sink, stderr=sink, env={"PATH": search_path()}
        )
        try:
            yield log
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
