from __future__ import annotations

import ipaddress

import pytest

from penstock.egress.addresses import is_public, is_this_machine

PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "193.0.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a05:d018::1",
    "64:ff9b::808:808",  # 8.8.8.8 behind NAT64
)
NOT_PUBLIC = (
    "0.0.0.0",
    "0.0.0.1",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",  # metadata
    "169.254.169.253",  # a VPC's DNS
    "169.254.170.2",  # a container's credentials
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",  # compatible
    "::8.8.8.8",
    "::ffff:127.0.0.1",  # mapped
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",  # translated
    "64:ff9b::7f00:1",  # 127.0.0.1 behind NAT64
    "64:ff9b::a9fe:a9fe",  # metadata behind NAT64
    "64:ff9b:1::1",
    "100::1",
    "2001::1",  # Teredo
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4
    "3fff::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_of_a_network_or_of_a_special_purpose_is_not(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


def test_nothing_is_public_that_python_knows_to_be_special() -> None:
    """Asked of Python's own registry, over every /16 of IPv4."""
    hosts = (ipaddress.IPv4Address((high << 16) + 1) for high in range(65_536))
    assert [host for host in hosts if not host.is_global and is_public(host)] == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_this_machine_is_known_by_its_name_and_by_its_addresses(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["localhost.example.com", "127.1", "2130706433", "0x7f.1", "10.0.0.1", ""])
def test_no_other_spelling_is_taken_for_this_machine(host: str) -> None:
    assert not is_this_machine(host)
