"""What may happen to one request on its way: the kinds of fault of `faults.proxy`, by name.

Each names what the client sees. ``lose the answer``, ``gone after`` and ``412`` happen after the server did what it was asked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from faults.messages import refusal, reset

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.messages import Message
    from faults.proxy import Exchange

DELAY_S = 0.3
DOWN_S = 0.3
DRIP_S, DRIPPED = 0.02, 40
"""Seconds for each byte, and how many bytes of an answer come that slowly: bounded, so that a test is."""


class Kind(NamedTuple):
    """One kind of fault."""

    name: str
    act: Callable[[Exchange], None]
    applies: Callable[[Message], bool] = lambda _: True
    """Whether it can happen to such a request."""


def _answer(status: int, code: str) -> Callable[[Exchange], None]:
    """Answer with an error; the server sees nothing."""

    def act(exchange: Exchange) -> None:
        answer = refusal(status, code)
        exchange.answer(answer.with_body(b"") if exchange.request.method == "HEAD" else answer)

    return act


def _pass(exchange: Exchange) -> None:
    exchange.answer(exchange.forward())


def _delay(exchange: Exchange) -> None:
    time.sleep(DELAY_S)
    _pass(exchange)


def _meanwhile(exchange: Exchange) -> None:
    exchange.proxy.meanwhile()
    _pass(exchange)


def _cut(exchange: Exchange) -> None:
    """Half of the body, or of the head where there is no body."""
    data = exchange.forward()
    if data.body:
        exchange.answer(data.with_body(data.body[: len(data.body) // 2]))
    else:
        exchange.client.sendall(data.head[: len(data.head) // 2])


def _flip(body: bytes) -> bytes:
    return bytes([body[0] ^ 1]) + body[1:] if body else body


def _flip_answer(exchange: Exchange) -> None:
    data = exchange.forward()
    exchange.answer(data.with_body(_flip(data.body)))


def _flip_sent(exchange: Exchange) -> None:
    exchange.answer(exchange.forward(exchange.request.with_body(_flip(exchange.request.body))))


def _lose(exchange: Exchange) -> None:
    exchange.forward()


def _drop(exchange: Exchange) -> None:
    """The connection is closed without an answer."""


def _reset(exchange: Exchange) -> None:
    reset(exchange.client)


def _down(exchange: Exchange) -> None:
    """The server dies with this request, and starts again: connections are refused meanwhile."""
    reset(exchange.client)
    exchange.proxy.restart(DOWN_S)


def _never(exchange: Exchange) -> None:
    exchange.client.recv(1)


def _drip(exchange: Exchange) -> None:
    data = exchange.forward().closing()
    for index in range(min(DRIPPED, len(data))):
        exchange.client.sendall(data[index : index + 1])
        time.sleep(DRIP_S)
    exchange.client.sendall(data[DRIPPED:])


def _precondition(exchange: Exchange) -> None:
    """The write went through, its answer was lost, and somebody between client and server sent it again."""
    exchange.forward()
    _answer(412, "PreconditionFailed")(exchange)


def _gone_before(exchange: Exchange) -> None:
    exchange.proxy.cut_off()


def _gone_after(exchange: Exchange) -> None:
    exchange.forward()
    exchange.proxy.cut_off()


def is_object(request: Message) -> bool:
    """Whether an S3 request is about an object, not a listing."""
    return request.target.partition("?")[0].count("/") > 1 and "list-type=" not in request.target


def _reads(request: Message) -> bool:
    return request.method == "GET" and is_object(request)


def _sends(request: Message) -> bool:
    return bool(request.body)


def _writes(request: Message) -> bool:
    return request.method in {"PUT", "POST", "DELETE"}


PASS = Kind("", _pass)
KINDS = {
    kind.name: kind
    for kind in (
        PASS,
        Kind("403", _answer(403, "AccessDenied")),
        Kind("429", _answer(429, "TooManyRequests")),
        Kind("500", _answer(500, "InternalError")),
        Kind("502", _answer(502, "BadGateway")),
        Kind("503", _answer(503, "SlowDown")),
        Kind("504", _answer(504, "GatewayTimeout")),
        Kind("409", _answer(409, "ConditionalRequestConflict"), _writes),
        Kind("412", _precondition, lambda request: _writes(request) and request.conditional),
        Kind("expired", _answer(400, "ExpiredToken")),
        Kind("delay", _delay),
        Kind("drip", _drip),
        Kind("never answer", _never),
        Kind("cut the answer", _cut),
        Kind("flip a byte", _flip_answer, _reads),
        Kind("flip what is sent", _flip_sent, _sends),
        Kind("lose the answer", _lose),
        Kind("refuse", _drop),
        Kind("reset", _reset),
        Kind("down", _down),
        Kind("gone before", _gone_before),
        Kind("gone after", _gone_after),
        Kind("meanwhile", _meanwhile),
    )
}

S3_KINDS = (
    "429", "500", "503", "409", "412", "expired", "delay", "drip", "cut the answer", "flip a byte", "flip what is sent",
    "lose the answer", "refuse", "reset", "down", "gone before", "gone after",
)  # fmt: skip
"""What may happen to a request of S3 for a moment."""

MLFLOW_KINDS = (
    "429",
    "500",
    "503",
    "delay",
    "drip",
    "cut the answer",
    "lose the answer",
    "refuse",
    "reset",
    "down",
    "gone before",
    "gone after",
)
"""The same for MLflow: its requests carry no checksum and no condition, so a flipped byte cannot be noticed."""
