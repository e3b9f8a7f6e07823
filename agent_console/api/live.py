"""The live websocket's door: a ticket lets in."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.websockets import WebSocket

from agent_console.api.errors import problem_response
from agent_console.auth.errors import TicketError
from agent_console.deps import get_console, get_hub
from agent_console.live.socket import CloseCode, LiveSocket
from voice.contracts.errors import WarmlineError

router = APIRouter()


@router.websocket("/live")
async def go_live(websocket: WebSocket) -> None:
    """Redeem the ticket, then serve the socket; whoever has no good ticket is refused before the handshake ends."""
    console, hub = get_console(websocket), get_hub(websocket)
    try:
        tickets = websocket.query_params.getlist("ticket")
        if len(tickets) != 1:
            raise TicketError("One ticket was expected: /live?ticket=….", fix="Fetch one: POST /api/tickets.")
        session_id = console.auth.tickets.redeem(tickets[0])
        await console.auth.session(session_id)
        hub.check_room(session_id)
    except WarmlineError as error:
        if "websocket.http.response" in websocket.scope.get("extensions", {}):
            await websocket.send_denial_response(problem_response(error))
        else:
            await websocket.close(CloseCode.SESSION_OVER)
        return
    live = LiveSocket(
        websocket,
        session_id=session_id,
        journal=console.journal,
        auth=console.auth,
        hub=hub,
        clock=console.clock,
        limits=console.live,
    )
    await live.serve()
