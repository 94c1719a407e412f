"""Where messages may go, and that they go nowhere else."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from slo.config.settings import Outbound
from slo.notify.guard import METADATA, address_fault, addresses_of, connect, port_fault
from slo.notify.transport import Request, exchange, place_of
from tests.support.receiver_server import ReceiverServer, status

EVERYTHING = Outbound(("0.0.0.0/0", "::/0"), ())

NOT_PUBLIC = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.1.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused_and_the_remedy_is_named(address):
    fault = address_fault(address, Outbound())
    assert fault is not None
    assert "allow" in fault


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_passes(address):
    assert address_fault(address, Outbound()) is None


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_passes_that_slo_yaml_allows(address):
    assert address_fault(address, EVERYTHING) is None


@pytest.mark.parametrize(
    "address",
    [
        *sorted(map(str, METADATA)),
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fe80::a9fe:a9fe%1",
    ],
)
def test_metadata_is_refused_even_where_everything_is_allowed(address):
    assert "metadata" in (address_fault(address, EVERYTHING) or "")


def test_what_is_no_address_is_refused():
    assert address_fault("localhost", EVERYTHING) is not None


def test_ports_beside_the_usual_ones_must_be_named():
    assert [port_fault(p, Outbound()) for p in (80, 443, 8080, 8443)] == [None] * 4
    assert "ports: [22]" in (port_fault(22, Outbound()) or "")
    assert port_fault(22, Outbound(ports=(22,))) is None


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost", "0", "127.0.0.1"),
        *("[::ffff:127.0.0.1]", "[::1]", "[::ffff:7f00:1]", "LOCALHOST"),
    ],
)
def test_this_machine_is_not_reached_however_it_is_written(host, server):
    outbound = Outbound(ports=(server.port,))
    reply = exchange(Request(f"http://{host}:{server.port}/", b"{}"), outbound, 5)
    assert reply.failure == "forbidden"
    assert reply.body == ""
    assert server.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://user:password@127.0.0.1/",
        "http://user@127.0.0.1/",
        "http://@127.0.0.1/",
        "http://127.0.0.1:22/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "http:///path",
        "http://a b/",
        "http://a%0d%0ab/",
        "http://xn--\udcff/",
        "http://" + "a" * 300 + "/",
        "127.0.0.1",
        "",
    ],
)
def test_a_url_that_may_not_be_asked_is_refused_without_repeating_it(url):
    reply = exchange(Request(url, b"x"), Outbound(("127.0.0.0/8",)), 5)
    assert reply.failure == "forbidden"
    assert "password" not in reply.error.replace("user and password", "")


def test_a_redirect_is_not_followed(server):
    with ReceiverServer() as other:
        server.answer = status(302, Location=f"{other.url}/elsewhere")
        outbound = Outbound(("127.0.0.1",), (server.port, other.port))
        reply = exchange(Request(f"{server.url}/", b"x"), outbound, 5)
        assert reply.status == 302
        assert len(server.seen) == 1
        assert other.seen == []


def test_the_connection_goes_to_the_address_that_was_checked(server):
    """The name means something else at every look-up; it is looked up once."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["10.0.0.1"]])
    asked = []

    def lookup(host, port):
        asked.append((host, port))
        return next(answers)

    outbound = Outbound(("127.0.0.1",), (server.port,))
    url = f"http://hooks.example.com:{server.port}/"
    assert exchange(Request(url, b"x"), outbound, 5, lookup).status == 202
    assert asked == [("hooks.example.com", server.port)]
    assert server.seen[0].headers["host"] == f"hooks.example.com:{server.port}"


def test_a_name_that_comes_to_mean_this_machine_is_refused(server):
    """Public when it was written down, 127.0.0.1 when the message is sent."""
    outbound = Outbound(ports=(server.port,))
    url = f"http://rebinding.example.com:{server.port}/"
    reply = exchange(Request(url, b"x"), outbound, 5, lambda *_: ["127.0.0.1"])
    assert reply.failure == "forbidden"
    assert server.seen == []


def test_of_several_addresses_only_those_are_tried_that_may_be_reached(server):
    outbound = Outbound(("127.0.0.1",), (server.port,))
    url = f"http://mixed.example.com:{server.port}/"
    reply = exchange(Request(url, b"x"), outbound, 5, lambda *_: ["10.0.0.1", "::1", "127.0.0.1"])
    assert reply.status == 202


def test_the_next_address_is_tried_where_one_does_not_answer(server):
    outbound = Outbound(("127.0.0.0/8",), (server.port,))
    deadline = time.monotonic() + 5
    found = connect("h", server.port, outbound, deadline, lambda *_: ["127.0.0.9", "127.0.0.1"])
    with found:
        assert found.getpeername()[0] == "127.0.0.1"


def test_a_look_up_that_hangs_ends_with_the_deadline():
    release = threading.Event()
    begun = time.monotonic()
    with pytest.raises(socket.gaierror):
        addresses_of("h", 80, begun + 0.1, lambda *_: release.wait(10) and [])
    assert time.monotonic() - begun < 2
    release.set()


def test_a_name_of_letters_beyond_ascii_is_written_as_it_is_looked_up():
    assert place_of("https://bücher.example.com/", Outbound()).host == "xn--bcher-kva.example.com"


def test_a_header_that_cannot_be_written_is_a_fault_of_the_message(server):
    outbound = Outbound(("127.0.0.1",), (server.port,))
    for value in ("a\r\nX-Evil: 1", "\u20ac"):
        reply = exchange(Request(server.url, b"x", (("X-A", value),)), outbound, 5)
        assert reply.failure == "content"
    assert [seen for seen in server.seen if "x-evil" in seen.headers] == []


def test_path_and_query_are_written_in_ascii():
    place = place_of("http://h.example.com/ä b/%2F?q=ö&x=1", Outbound())
    assert place.target == "/%C3%A4%20b/%2F?q=%C3%B6&x=1"
