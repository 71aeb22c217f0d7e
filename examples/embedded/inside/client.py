"""Asks the API for servers as any client does, with openstacksdk: client.py --url URL --request FILE --answer FILE."""

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
        asked = json.load(file)
    if asked["public_key"]:
        connect(options.url).compute.create_keypair(name=asked["server"]["key_name"], public_key=asked["public_key"])
    answers = [None] * len(asked["names"])
    # Each server is asked for in a thread and by a connection of its own, so that they start at the same moment.
    threads = [
        threading.Thread(target=create, args=(options.url, asked, answers, number)) for number in range(len(answers))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if None in answers:
        sys.exit(1)
    with open(options.answer, "w") as file:
        json.dump(answers, file)


def connect(url, seen=None):
    http = requests.Session()
    if seen is not None:
        http.hooks["response"].append(lambda response, **_: seen.append(response))
    return Connection(
        session=keystone_session.Session(auth=token_endpoint.Token(url, "admin"), session=http),
        compute_endpoint_override=url,
        compute_api_version="2",
    )


def create(url, asked, answers, number):
    """Keep the uuid and the request id of the answer, or the error."""
    seen = []
    name = asked["names"][number]
    try:
        compute = connect(url, seen).compute
        compute.default_microversion = asked["microversion"]
        server = compute.create_server(name=name, **encoded(asked["server"]))
        answers[number] = {"name": name, "uuid": server.id, "request_id": seen[-1].headers["x-openstack-request-id"]}
    except (ClientException, SDKException) as error:
        answers[number] = {"name": name, "error": f"{type(error).__name__}: {error}"}


def encoded(server):
    """The API wants user data and files in base64."""
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
