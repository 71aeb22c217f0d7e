"""The stubs' answers: an object as JSON, or 404 for a path without one."""

import json


def answered(path, value, start_response):
    body = json.dumps(value if value is not None else {"itemNotFound": {"code": 404, "message": f"no {path}"}}).encode()
    status = "200 OK" if value is not None else "404 Not Found"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
