"""Errors -> RFC 9457 problem+json, in one middleware; handlers hold no ``try``."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from cti import errors
from cti.log import logger
from cti.web.schemas import ProblemBody

log: Final = logger("web")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class NotLoggedIn(errors.RequestError):
    pass


STATUS: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (NotLoggedIn, 401, "not_logged_in"),
    (errors.Forbidden, 403, "forbidden"),
    (errors.NotFound, 404, "not_found"),
    (errors.CrmReadOnly, 409, "crm_read_only"),
    (errors.Conflict, 409, "conflict"),
    (errors.TooMany, 429, "too_many"),
    (errors.RequestError, 400, "bad_request"),
    (errors.PbxRefused, 409, "pbx_refused"),
    (errors.PbxError, 503, "pbx_unavailable"),
    (errors.CrmError, 503, "crm_unavailable"),
    (errors.StoreError, 503, "store_unavailable"),
    (msgspec.ValidationError, 400, "invalid"),
    (msgspec.DecodeError, 400, "not_json"),
)
"""The first that fits. What is not in it is our own mistake: 500, and the words stay in the log."""
_RETRY_S: Final = 5


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as answer:
        return answer if answer.status < HTTPStatus.BAD_REQUEST else _of_http(answer)
    except Exception as error:  # noqa: BLE001 - the last one who can answer
        return of_error(error)


def of_error(error: Exception) -> web.Response:
    for kind, status, code in STATUS:
        if isinstance(error, kind):
            said = error.code if isinstance(error, (errors.NotNow, errors.NumberRefused)) else code
            return problem(status, said, str(error), headers=_retry(status, error))
    log.error("request_failed", exc_info=error)
    return problem(500, "our_mistake")


def problem(status: int, code: str, detail: str = "", headers: dict[str, str] | None = None) -> web.Response:
    body = ProblemBody(title=HTTPStatus(status).phrase, status=status, detail=detail, code=code)
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/problem+json", headers=headers
    )


def _of_http(answer: web.HTTPException) -> web.Response:
    code = HTTPStatus(answer.status).name.lower()
    kept = {name: answer.headers[name] for name in ("Allow",) if name in answer.headers}
    return problem(answer.status, code, headers=kept)


def _retry(status: int, error: Exception) -> dict[str, str]:
    if isinstance(error, errors.TooMany):
        return {"Retry-After": str(max(1, round(error.retry_after_s)))}
    return {"Retry-After": str(_RETRY_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
