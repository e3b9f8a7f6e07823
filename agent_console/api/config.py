"""What a caller's page needs to know."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from agent_console.deps import ConsoleDep

router = APIRouter(prefix="/api", tags=["caller"])


class IceServerOut(BaseModel):
    """A STUN or TURN server, as RTCPeerConnection takes it."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class ConfigOut(BaseModel):
    """What a caller's page needs to know."""

    version: str
    languages: list[str] = Field(description="what callers may speak")
    default_language: str
    ice_servers: list[IceServerOut]


@router.get("/config", summary="Configuration of the caller page", response_model_exclude_none=True)
async def show_config(console: ConsoleDep, response: Response) -> ConfigOut:
    """Version, languages and ICE servers; public. Credentials that expire are made anew for each asking."""
    response.headers["Cache-Control"] = "no-store"
    site = console.site
    return ConfigOut(
        version=site.version,
        languages=list(site.languages),
        default_language=site.default_language,
        ice_servers=[
            IceServerOut(urls=list(server.urls), username=server.username, credential=server.credential)
            for server in site.ice_servers_at(console.clock.utc_now())
        ],
    )
