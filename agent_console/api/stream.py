"""The websocket of telephony providers: Twilio's Media Streams and what speaks like it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from agent_console.api.errors import problem_response
from agent_console.deps import get_console
from voice.contracts.errors import StreamRefusedError, WarmlineError

router = APIRouter()


@router.websocket("/stream")
async def take_stream(websocket: WebSocket) -> None:
    """A provider streams a call; who cannot prove where it comes from is refused, at the latest by its `start`."""
    streams = get_console(websocket).streams
    try:
        if streams is None:
            raise StreamRefusedError("Media streams are not served here.")
        proven = streams.check_handshake(websocket.headers)
    except WarmlineError as error:
        if "websocket.http.response" in websocket.scope.get("extensions", {}):
            await websocket.send_denial_response(problem_response(error))
        else:
            await websocket.close()
        return
    await websocket.accept()
    await streams.serve(_Socket(websocket), proven=proven)


class _Socket:
    """A `TextSocket` over Starlette's websocket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | None:
        """The next text; None once the provider is gone."""
        message = await self._websocket.receive()
        return None if message["type"] == "websocket.disconnect" else message.get("text") or ""

    async def send(self, text: str) -> None:
        """Send a text."""
        try:
            await self._websocket.send_text(text)
        except WebSocketDisconnect:
            return

    async def close(self, code: int, reason: str) -> None:
        """Close, unless the provider did."""
        if self._websocket.client_state is WebSocketState.CONNECTED:
            try:
                await self._websocket.close(code, reason)
            except (WebSocketDisconnect, RuntimeError):
                return  # the provider was faster
