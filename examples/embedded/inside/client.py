"""A client that requests servers with openstacksdk: client.py --url URL --request FILE --answer FILE."""

import argparse
import base64
import json
import sys
import threading

import requests
from keystoneauth1 import session as keystone_session
from keystoneauth1 import token_endpoint
from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import SDKException


def main():
    parser = argparse.ArgumentParser()
    for name in ("url", "request", "answer"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    with open(options.request) as file:
        request = json.load(file)
    if request["public_key"]:
        connect(options.url).compute.create_keypair(
            name=request["server"]["key_name"], public_key=request["public_key"]
        )
    answers = [None] * len(request["names"])
    # Each server is requested in a thread and by a connection of its own, so that they start at the same time.
    threads = [
        threading.Thread(target=create, args=(options.url, request, answers, number)) for number in range(len(answers))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if None in answers:
        sys.exit(1)
    with open(options.answer, "w") as file:
        json.dump(answers, file)


def connect(url, responses=None):
    http = requests.Session()
    if responses is not None:
        http.hooks["response"].append(lambda response, **_: responses.append(response))
    return Connection(
        session=keystone_session.Session(auth=token_endpoint.Token(url, "admin"), session=http),
        compute_endpoint_override=url,
        compute_api_version="2",
    )


def create(url, request, answers, number):
    """Store the uuid and the request id of the answer, or the error, in `answers`."""
    responses = []
    name = request["names"][number]
    try:
        compute = connect(url, responses).compute
        compute.default_microversion = request["microversion"]
        server = compute.create_server(name=name, **encoded(request["server"]))
        answers[number] = {
            "name": name,
            "uuid": server.id,
            "request_id": responses[-1].headers["x-openstack-request-id"],
        }
    except (ClientException, SDKException) as error:
        answers[number] = {"name": name, "error": f"{type(error).__name__}: {error}"}


def encoded(server):
    """Return the server with user data and files in base64, as the API requires."""
    server = dict(server)
    if "user_data" in server:
        server["user_data"] = base64.b64encode(server["user_data"].encode()).decode()
    if "personality" in server:
        server["personality"] = [
            {"path": path, "contents": base64.b64encode(text.encode()).decode()}
            for path, text in server["personality"].items()
        ]
    return server


main()
