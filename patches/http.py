"""HTTP out: requests of keystoneauth, and of all others that send them by the library ``requests``.

The answer's ``x-openstack-request-id`` is the callee's own id, the surest link to what the callee did.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from . import hooks, import_hooks, patching, recorder, values
from .classes import is_kind
from .host_fields import field, path

if TYPE_CHECKING:
    from types import ModuleType

http = hooks.Hook("http")


def install() -> None:
    """Wrap the session class once it is imported."""
    import_hooks.when_imported("requests.sessions", functools.partial(http.guarded, _wrap))


def _wrap(module: ModuleType) -> None:
    # keystoneauth, glanceclient, cinderclient and most others end up here; send() is called again for each redirect.
    patching.replace(vars(module)["Session"], "send", hooks.within(http, _begins, _ends))


def _begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    prepared = hooks.argument(args, kwargs, 1, "request")
    sent = field(prepared, "url")
    sent = sent if type(sent) is str else ""
    method = values.scalar(field(prepared, "method"))
    url = values.url_without_secrets(sent)
    host, _, rest = url.partition("://")[2].partition("/")
    attributes = (
        "side", "client",
        "method", method,
        "path", "/" + rest,
        "query", query_names(sent.partition("?")[2]),
        "host", host,
        "global_request_id", values.scalar(_header(prepared, "x-openstack-request-id")),
        "traceparent", values.scalar(_header(prepared, "traceparent")),
    )  # fmt: skip
    return recorder.begin("http", "%s /%s" % (method, rest), attributes)


def _ends(step: int, response: Any, error: BaseException | None) -> None:
    attributes: tuple[Any, ...] = ()
    if response is not None:
        callee = _header(response, "x-openstack-request-id") or _header(response, "x-compute-request-id")
        status = values.scalar(field(response, "status_code"))
        attributes = ("status", status, "callee_request_id", values.scalar(callee))
        # Another tracer's wrapper may have added it behind this one.
        context = _header(field(response, "request"), "traceparent")
        if context:
            attributes += ("traceparent", values.scalar(context))
    recorder.finish(step, error, attributes)


def _header(message: Any, name: str) -> Any:
    """Return a header of a request or response from the storage, by lower case, of its CaseInsensitiveDict."""
    stored = path(message, "headers", "_store")
    pair = dict.get(stored, name) if is_kind(type(stored), dict) else None
    return pair[1] if type(pair) is tuple and len(pair) == 2 and type(pair[1]) is str else None


def query_names(query: str) -> str | None:
    """Return a query string with the values of secret keys masked."""
    if not query:
        return None
    pairs = (pair.partition("=") for pair in query.split("&")[: values.MAX_ITEMS])
    shown = (key + sign + (values.MASK if value and values.secret_key(key) else value) for key, sign, value in pairs)
    return values.masked_text("&".join(shown))
