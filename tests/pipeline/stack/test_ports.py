"""Ports: preferred ones, and free ones if those are taken."""

import socket

import pytest

from pipeline.stack import ports


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_listening_port_is_not_free_and_a_closed_one_is(taken):
    assert not ports.is_free(taken)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        closed = listener.getsockname()[1]
    assert ports.is_free(closed)


def test_a_server_on_all_interfaces_takes_the_port_too():
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        assert not ports.is_free(listener.getsockname()[1])


def test_the_first_free_preference_wins(taken):
    free = ports.choose([], partner=False)
    assert ports.choose([taken, free], partner=False) == free


def test_a_taken_port_is_replaced_by_another(taken):
    chosen = ports.choose([taken], partner=False)
    assert chosen != taken
    assert ports.is_free(chosen)


def test_a_port_is_skipped_when_its_partner_is_taken_or_out_of_range():
    partner = ports.choose([], partner=False) + ports.PARTNER_OFFSET
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", partner))
        listener.listen()
        assert ports.choose([partner - ports.PARTNER_OFFSET], partner=True) != partner - ports.PARTNER_OFFSET
    assert ports.choose([60_000], partner=True) != 60_000


def test_ports_given_away_are_avoided():
    free = ports.choose([], partner=True)
    assert ports.choose([free], partner=True, avoid=frozenset({free})) != free
    assert ports.choose([free], partner=True, avoid=frozenset({free + ports.PARTNER_OFFSET})) != free


def test_recorded_ports_come_back_and_a_damaged_record_counts_as_none(tmp_path):
    assert ports.recorded(tmp_path) == {}
    ports.record(tmp_path, {"s3": 1, "mlflow": 2})
    assert ports.recorded(tmp_path) == {"s3": 1, "mlflow": 2}
    (tmp_path / ports.FILE).write_text('{"s3": ')
    assert ports.recorded(tmp_path) == {}
