import pytest

from evalhub.candidates.guarding import AddressError, Place, check_addresses, check_url, check_url_and_name


@pytest.fixture
def opened(settings):
    """Sets EVALHUB_PRIVATE_ENDPOINTS."""

    def name(*hosts):
        settings.PRIVATE_ENDPOINTS = list(hosts)

    name()
    return name


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://api.openai.com/v1", Place("api.openai.com", 443, False)),
        ("http://Example.org:8080", Place("example.org", 8080, False)),
        ("http://8.8.8.8/v1", Place("8.8.8.8", 80, True)),
        ("https://[2606:4700::1111]/v1", Place("2606:4700::1111", 443, True)),
        ("http://my_model:8000/v1/", Place("my_model", 8000, False)),
    ],
)
def test_plain_addresses_pass(opened, url, place):
    assert check_url(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com",
        "//host/v1",
        "ftp://host/",
        "file:///etc/passwd",
        "gopher://host:70/_x",
        "javascript:alert(1)",
        "http://user@host/",
        "http://user:pass@host/",
        "http://good.example@127.0.0.1/",
        "http://127.0.0.1\\@good.example/",
        "http://host/?a=b",
        "http://host/#x",
        "http://host/a b",
        "http://host/%0d%0a",
        "http://ho%73t/",
        "http://host:/v1",
        "http://①②⑦.⓪.⓪.①/",
        "http://１２７.0.0.1/",
        "http://lоcalhost/",
        "http://host\n.example/",
        " http://host/",
        "http:///v1",
        "http://-/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://host:0/",
        "http://host:65536/",
    ],
)
def test_anything_else_is_not_an_address(opened, url):
    opened("*")
    with pytest.raises(AddressError):
        check_url(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104 -- an address to refuse
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[fc00::1]",
        "[fd12::1]",
        "[ff02::1]",
        "[fec0::1]",
        "[64:ff9b:1::1]",
        "[2001:db8::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:10.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[2002:a00:1::1]",
    ],
)
def test_private_addresses_are_refused_in_all_their_forms(opened, host):
    with pytest.raises(AddressError, match="is a private address"):
        check_url(f"http://{host}:8000/v1")


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "1.2.3.4.5",
        "1.2.3.400",
    ],
)
def test_other_spellings_of_addresses_are_refused_even_where_all_is_allowed(opened, host):
    opened("*")
    with pytest.raises(AddressError, match="as four decimal numbers"):
        check_url(f"http://{host}/v1")


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.0.1",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
    ],
)
def test_metadata_services_are_never_called(opened, host):
    opened("*", host, host.strip("[]"))
    with pytest.raises(AddressError, match="never called"):
        check_url(f"http://{host}/v1")


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:9/v1"),
        ("127.0.0.1:9", "http://127.0.0.1:9/v1"),
        (" 10.0.0.7 ", "https://10.0.0.7/v1"),
        ("10.0.0.7:443", "https://10.0.0.7/v1"),
        ("::1", "http://[::1]:9/v1"),
        ("[::1]:9", "http://[::1]:9/v1"),
        ("*", "http://192.168.1.1/v1"),
    ],
)
def test_a_private_host_is_called_where_the_deployment_names_it(opened, setting, url):
    opened(setting)

    check_url(url)


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("127.0.0.1:9", "http://127.0.0.1:10/v1"),
        ("localhost", "http://127.0.0.1/v1"),
        ("10.0.0.7", "http://10.0.0.70/v1"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/v1"),
        ("", "http://127.0.0.1/v1"),
    ],
)
def test_a_named_host_opens_no_other(opened, setting, url):
    opened(setting)

    with pytest.raises(AddressError, match="private address"):
        check_url(url)


def test_every_address_of_a_name_counts(opened):
    place = Place("models.example", 443, is_literal=False)
    check_addresses(place, ["93.184.216.34", "2606:4700::1111"])

    for bad in ("127.0.0.1", "::1", "::ffff:10.0.0.1", "fe80::1%eth0", "169.254.169.254"):
        with pytest.raises(AddressError, match="which is "):
            check_addresses(place, ["93.184.216.34", bad])


def test_an_allowed_name_may_be_private_but_not_a_metadata_service(opened):
    opened("models.example")
    place = Place("models.example", 443, is_literal=False)
    check_addresses(place, ["10.0.0.1", "::1"])

    with pytest.raises(AddressError, match="never called"):
        check_addresses(place, ["169.254.169.254"])


def test_saving_looks_at_what_a_name_resolves_to(opened):
    with pytest.raises(AddressError, match="localhost, which is "):
        check_url_and_name("http://localhost:8000/v1")


def test_a_name_that_does_not_resolve_now_may_be_saved(opened):
    check_url_and_name("http://no-such-host.invalid/v1")


def test_the_refusal_says_how_to_allow_the_host(opened):
    with pytest.raises(AddressError) as refused:
        check_url("http://10.1.2.3/v1")

    assert str(refused.value) == (
        "10.1.2.3 is a private address. If a model of yours is served there, whoever runs EvalHub can allow it: "
        "the setting EVALHUB_PRIVATE_ENDPOINTS has to name 10.1.2.3."
    )
