"""What a refused request is answered with."""

from __future__ import annotations

import httpx


def check_problem(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    assert answer.status_code == status, answer.text
    body: dict[str, str] = answer.json()
    assert set(body) == {"code", "message", "fix"}
    assert body["code"] == code
    assert body["message"]
    return body
