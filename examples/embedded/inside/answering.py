"""How the stubs answer: an object as JSON, or that there is none at a path."""

import json


def answered(path, found, start_response):
    body = json.dumps(found if found is not None else {"error": f"no {path}"}).encode()
    status = "200 OK" if found is not None else "404 Not Found"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
