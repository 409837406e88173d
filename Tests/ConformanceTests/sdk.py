"""The official Python SDK in the encoding that the last argument names, --json or --protobuf.

In Protobuf the SDK takes and gives payloads as bytes; here they are JSON in both, so that a check reads the same.
"""

import json
import sys

import centrifuge

IS_PROTOBUF = {"--json": False, "--protobuf": True}[sys.argv.pop()]


def Client(url, **options):
    return centrifuge.Client(url, use_protobuf=IS_PROTOBUF, **options)


def sent(data):
    """What the SDK takes for some JSON."""
    return json.dumps(data).encode() if IS_PROTOBUF else data


def heard(data):
    """The JSON that the SDK gave."""
    if not IS_PROTOBUF:
        return data
    assert isinstance(data, bytes), data
    return json.loads(data)
