"""`warmline sip …`: is the telephone line in order, and a telephone to try it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import anyio
import typer
from rich.console import Console as Terminal

from agent_console.exit_codes import ExitCode
from agent_console.prosody_options import Lang
from agent_console.settings import Settings
from voice.contracts.errors import SettingsError

if TYPE_CHECKING:
    from agent_console.sip_phone import PhoneCall

app = typer.Typer(
    help=(
        "Telephone calls over SIP. Three steps to a first call: `warmline serve --sip 0.0.0.0:5060` takes calls from "
        "this machine; `warmline sip call sip:4001@127.0.0.1` makes one; a trunks file (--trunks) lets your telephone "
        "system in, and `warmline sip check` says what still stands in its way."
    ),
    no_args_is_help=True,
    add_completion=False,
)

PASSWORD_VARIABLE: Final = "SIP_PASSWORD"  # noqa: S105 - the name of a variable

Language = Annotated[Lang, typer.Option("--lang", help="Language of what is said; --json is English.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command(epilog="Example: warmline sip check --sip 0.0.0.0:5060 --trunks trunks.yaml sip:pbx.example.com")
def check(
    uri: Annotated[str | None, typer.Argument(help="Whom to ask as well (OPTIONS): sip:HOST or sip:HOST:PORT.")] = None,
    sip: Annotated[str | None, typer.Option("--sip", metavar="HOST:PORT", help="Where calls are to be taken.")] = None,
    sip_advertised: Annotated[
        str | None, typer.Option("--sip-advertised", metavar="HOST", help="Where trunks reach us, behind NAT.")
    ] = None,
    trunks: Annotated[Path | None, typer.Option("--trunks", help="Who may call; without it this machine only.")] = None,
    lang: Language = Lang.EN,
    json_output: Json = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="Settings file.")] = None,
) -> None:
    """Say what is wrong: trunks file, certificate, port, address, NAT, codecs, registration, answer to OPTIONS.

    To be run while the server does not: it takes the same port. Exit code 1 where something is wrong.
    """
    from agent_console.doctor import show
    from agent_console.sip_check import check_sip

    settings = Settings.load(file=config_file, sip=sip, sip_advertised=sip_advertised, trunks=trunks)
    findings = anyio.run(partial(check_sip, settings, uri, Lang.EN if json_output else lang))
    show(findings, json_output=json_output)
    if any(finding.problem for finding in findings):
        raise typer.Exit(ExitCode.FOUND_WRONG)


@app.command(epilog="Example: warmline sip call sip:4001@127.0.0.1 --play samples/calls/zh-human-8k/audio.wav --keys 0")
def call(
    uri: Annotated[
        str, typer.Argument(help="Whom to call: sip:NUMBER@HOST, with :PORT and ;transport=tcp or tls if needed.")
    ],
    play: Annotated[Path | None, typer.Option("--play", help="A recording to say; its first channel.")] = None,
    record: Annotated[Path | None, typer.Option("--record", help="Keep what is heard as a WAV file.")] = None,
    keys: Annotated[str, typer.Option(help="Keys to press (0-9, *, #, A-D) when the call is answered.")] = "",
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, max=600, help="When to hang up; else when the recording ends, or after 10 s."),
    ] = None,
    caller: Annotated[str | None, typer.Option(help="Who calls, as sip:NUMBER@HOST.")] = None,
    user: Annotated[str | None, typer.Option(help="Name, where a password is asked for.")] = None,
    password_env: Annotated[
        str, typer.Option(help="Environment variable that holds the password.")
    ] = PASSWORD_VARIABLE,
    authorities: Annotated[
        Path | None, typer.Option(help="Whose certificates are believed over TLS, a PEM file; else the system's.")
    ] = None,
    lang: Language = Lang.EN,
    json_output: Json = False,
) -> None:
    """Call somebody, say a recording, press keys, and tell how it went. Exit code 7 where nobody answers.

    Over TLS (;transport=tls, port 5061 unless given) the audio is encrypted, too, and the other side has to show a
    certificate that is believed.
    """
    from agent_console.sip_phone import call as phone
    from voice.sip.digest import Credentials
    from voice.sip.telephone_event import DIGITS

    if wrong := set(keys.upper()) - set(DIGITS):
        raise SettingsError(f"--keys takes 0-9, *, # and A-D; got {''.join(sorted(wrong))}.")
    credentials = Credentials(user, os.environ.get(password_env, "")) if user else None
    made = anyio.run(
        partial(
            phone,
            uri,
            play=play,
            record=record,
            keys=keys.upper(),
            seconds=seconds,
            credentials=credentials,
            caller=caller,
            authorities=authorities,
            report=lambda step: Terminal(stderr=True).print(f"{step} …", highlight=False),
            lang=lang,
        )
    )
    if json_output:
        sys.stdout.write(json.dumps(asdict(made)) + "\n")
        return
    Terminal().print(_summary(made, lang), highlight=False)


def _summary(made: PhoneCall, lang: Lang) -> str:
    from agent_console.sip_wording import ENDS, FAR, TALKED

    media, far, end = made.media, "", ENDS.get(made.end)
    if media.round_trip_ms is not None and media.lost_on_the_way_out is not None:
        far = lang.of(FAR).format(round_trip_ms=media.round_trip_ms, lost=media.lost_on_the_way_out)
    return lang.of(TALKED).format(
        codec=made.codec,
        answered_ms=made.answered_ms,
        seconds=made.seconds,
        heard_s=made.heard_s,
        received=media.received,
        lost=media.lost,
        jitter_ms=media.jitter_ms,
        mos=media.mos,
        far=far,
        end=lang.of(end) if end is not None else made.end,
    )
