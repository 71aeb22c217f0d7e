"""HTTP out: keystoneauth's requests, and those of ``requests`` that do not come from it.

The answer's ``x-openstack-request-id`` is the callee's own id, the surest link to what the callee did.
"""

import functools

from . import hook, importing, replacing, steps, values

http = hook.Hook("http")


def install():
    """Wrap the session classes once they are there."""
    importing.when_imported("requests.sessions", functools.partial(http.guarded, _wrap))


def _wrap(module):
    # keystoneauth, glanceclient, cinderclient and most others end up here; send() is called again for each redirect.
    replacing.replace(module.Session, "send", hook.within(http, _begins, _ends))


def _begins(args, kwargs):
    prepared = args[1]
    url = values.url_without_secrets(str(prepared.url))
    place, _, path = url.partition("://")[2].partition("/")
    attributes = (
        "side", "client",
        "method", values.scalar(prepared.method),
        "path", "/" + path,
        "query", query_names(str(prepared.url).partition("?")[2]),
        "host", place,
        "global_request_id", values.scalar(prepared.headers.get("X-OpenStack-Request-ID")),
    )  # fmt: skip
    return steps.begin("http", "%s /%s" % (prepared.method, path), attributes)


def _ends(step, response, error):
    attributes = ()
    if response is not None:
        headers = response.headers
        callee = headers.get("x-openstack-request-id") or headers.get("x-compute-request-id")
        attributes = ("status", values.scalar(response.status_code), "callee_request_id", values.scalar(callee))
    steps.finish(step, error, attributes)


def query_names(query):
    """A query string with its values masked where their keys ask for it."""
    if not query:
        return None
    pairs = (pair.partition("=") for pair in query.split("&")[: values.MAX_ITEMS])
    return values.scalar("&".join(key + sign + str(values.keyed(key, value)) for key, sign, value in pairs))
