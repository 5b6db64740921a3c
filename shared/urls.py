"""Addresses of the web: the one place that decides how they are read and which two are the same. Pure.

Parsing follows the WHATWG URL standard where it differs from RFC 3986 in what browsers and publishers really do:
hosts are percent-decoded and mapped by UTS 46, numeric hosts are IPv4 in any notation (`0x7f.1`, `2130706433`).
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

import idna

from shared.addresses import NOTHING_PRIVATE, Allowances, may_reach
from shared.errors import AddressRefused
from shared.suffixes import suffix_labels

MAX_LENGTH = 4096  # characters of an address; longer ones are refused
DEFAULT_PORTS = {"http": 80, "https": 443}

# Parameters that tell who clicked where, never what is shown. Sources: the vendors' own documents on campaign and
# click identifiers, and what 366 real feeds carried.
_TRACKING_PREFIXES = ("utm_", "mtm_", "pk_", "piwik_", "matomo_", "hsa_", "at_", "wt_", "ns_", "mc_", "oly_", "vero_")
_TRACKING_NAMES = (
    "fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid twclid ttclid igshid igsh li_fat_id _openstat"
    " wickedid rb_clickid s_cid ito itm_source itm_medium itm_campaign cmpid cmp icid ncid"
    " ftag fb_action_ids fb_action_types fb_source fb_ref xtor traffic_source mkt_tok trk ref_src ref_url"
    " __twitter_impression guccounter guce_referrer guce_referrer_sig _hsenc _hsmi hsctatracking spm scm"
    " srsltid epik sc_cid echobox partner_source"
)
_TRACKING = frozenset(_TRACKING_NAMES.split())
_TRACKING_PAIRS = frozenset({("ref", "rss"), ("source", "rss"), ("from", "rss"), ("rss", "yes"), ("rss", "1")})

# Twins of a page: hosts for phones, and AMP (amp.dev) in the host, the path, the query or a cache's address.
_TWIN_LABELS = frozenset({"www", "m", "mobile", "amp"})
_TWIN_PAIRS = frozenset(
    {
        ("outputtype", "amp"),
        ("output", "amp"),
        ("view", "amp"),
        ("type", "amp"),
        ("m", "1"),
        ("m", "0"),
        ("mobile", "1"),
    }
)
_SESSIONS = frozenset({"phpsessid", "jsessionid", "sessionid", "session_id"})
_SESSION_IN_PATH = re.compile(r";jsessionid=[^/?]*", re.IGNORECASE)
_AMP_CACHE = re.compile(
    r"(?:(?:www\.)?google\.[a-z.]{2,6}/amp|[\w-]+\.cdn\.ampproject\.org/[acvw])/(?:s/)?(?=[\w-]+\.)"
)
_AMP_ENDING = re.compile(r"[.\-]amp(?=(?:\.html?)?\Z)")

_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = "%/:@!$&'()*+,;=-._~|[]"
_QUERY_SAFE = "%/:@!$&'()*+,;=-._~?|[]"
_FORBIDDEN_IN_HOST = re.compile(r"[\x00-\x20#%/:<>?@\[\\\]^|\x7f]")
_BARE = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::[0-9]+)?(?:[/?#]|\Z)")  # a host and what follows it, without a scheme
_USERINFO = re.compile(r"(?<=://)[^/?#]*@")
_WWW = re.compile(r"www\.[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:[:/?#]|\Z)", re.IGNORECASE)  # a host, the scheme forgotten
# A scheme before a scheme, and one slash too few before what can only be a host.
_SLIP = re.compile(
    r"https?:/+(?=https?:/)(https?):/+|(?=https?:/[^/])(https?):/(?=[\w-]+(?:\.[\w-]+)+/)", re.IGNORECASE
)
_NUMBER = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)\Z")


@lru_cache(maxsize=8192)
def check_outbound(url: str, allowances: Allowances = NOTHING_PRIVATE) -> str:
    """The address in the form it is fetched by: host in ASCII, spaces and non-ASCII letters escaped, no fragment.

    Raises `AddressRefused` where it is malformed, not http or https, or names a private address literally, in any
    notation. A name that resolves to a private address is for the connecting side to refuse.
    """
    parts, host, port = _parse(url)
    literal = _literal(host)
    if literal is not None and not may_reach(literal, port, allowances):
        raise AddressRefused(f"{literal} is a private or reserved address; WIREDESK_ALLOW_PRIVATE can let it through")
    if literal is None and (host == "localhost" or host.endswith(".localhost")):
        loopback = may_reach("127.0.0.1", port, allowances) or may_reach("::1", port, allowances)
        if not loopback:
            raise AddressRefused(f"{host} is this machine; WIREDESK_ALLOW_PRIVATE can let it through")
    userinfo = parts.netloc.rpartition("@")[0]
    return _join(parts.scheme, userinfo, host, port, _path(parts.path), _escape(parts.query, _QUERY_SAFE))


def canonical(url: str) -> str:
    """The form two spellings of one address share: no fragment, tracking or user name, normal escapes and host.

    The order of the parameters stays, since some servers read it. Raises `AddressRefused` as `check_outbound` does
    for what is no http(s) address.
    """
    return _canonical(url)


@lru_cache(maxsize=4096)
def _canonical(url: str) -> str:
    parts, host, port = _parse(url)
    query = "&".join(p for p in _escape(parts.query, _QUERY_SAFE).split("&") if p and not _tracks(p))
    return _join(parts.scheme, "", host, port, _path(parts.path), query)


def identity(url: str) -> str:
    """The canonical form without what never tells two pages apart: http or https, `www.`, a closing slash, the order
    of parameters, sessions, and the marks of twins for phones and AMP (`m.`, `/amp`, `?outputType=amp`, AMP caches).

    Raises `AddressRefused` as `canonical` does.
    """
    return _identity(url)


@lru_cache(maxsize=4096)
def _identity(url: str) -> str:
    _, _, rest = _canonical(url).partition("://")
    cached = _AMP_CACHE.match(rest)
    if cached is not None:
        return identity("https://" + rest[cached.end() :])
    host, slash, tail = rest.partition("/")
    path, _, query = tail.partition("?")
    path = _without_amp(_SESSION_IN_PATH.sub("", path).rstrip("/"))
    kept = sorted(p for p in query.split("&") if p and not _is_twin(p))
    return _plain_host(host) + slash + path + ("?" + "&".join(kept) if kept else "")


def _plain_host(host: str) -> str:
    host = host.removeprefix("www.")
    if not _TWIN_LABELS.intersection(host.split(".")[:-2]):
        return host
    name, colon, port = host.partition(":")
    domain = registrable_domain(name)
    if domain is None or domain == name:
        return host
    labels = name.removesuffix(domain).strip(".").split(".")
    return ".".join([label for label in labels if label not in _TWIN_LABELS] + [domain]) + colon + port


def _without_amp(path: str) -> str:
    """A page's path without `amp` as its first or one of its last two segments, or as its ending."""
    if "amp" not in path:
        return path
    path = _AMP_ENDING.sub("", path) or path
    segments = path.split("/")
    places = {0, len(segments) - 2, len(segments) - 1}
    kept = [segment for n, segment in enumerate(segments) if segment != "amp" or n not in places]
    return "/".join(kept) or path


def _is_twin(parameter: str) -> bool:
    name, _, value = parameter.lower().partition("=")
    return name in _SESSIONS or name in ("amp", "_amp") or (name, value) in _TWIN_PAIRS


def shown(url: str) -> str:
    """The address as it may be shown, told and logged: without the name and password that it may hold."""
    return _USERINFO.sub("", url, count=1) if "@" in url else url


def with_userinfo_of(known: str, url: str) -> str:
    """`url` with the name and password that `known` holds, where both are at one host and `url` gives nothing away."""
    try:
        here, here_host, here_port = _parse(known)
        there, there_host, there_port = _parse(url)
    except AddressRefused:
        return url
    userinfo = here.netloc.rpartition("@")[0]
    safer = (here.scheme, there.scheme) == ("http", "https") and (here_port, there_port) == (80, 443)
    same = here_host == there_host and (safer or (here.scheme, here_port) == (there.scheme, there_port))
    if not userinfo or "@" in there.netloc or not same:
        return url
    return there._replace(netloc=f"{userinfo}@{there.netloc}").geturl()


def host_key(url: str) -> str:
    """`host:port`, the unit of politeness. Raises `AddressRefused`."""
    _, host, port = _parse(url)
    return f"{_bracketed(host)}:{port}"


def host_of(url: str) -> str:
    """The host in lower-case ASCII, without port or closing dot. Raises `AddressRefused`."""
    return _parse(url)[1]


@lru_cache(maxsize=4096)
def registrable_domain(host: str) -> str | None:
    """The domain that somebody registered (`bbc.co.uk` of `feeds.bbc.co.uk`); None for addresses and bare names.

    Source: the public suffix list as bundled with tldextract; nothing is fetched.
    """
    labels = host.removesuffix(".").split(".")
    if len(labels) == 1 or not all(labels) or ":" in host or _literal(host) is not None:
        return None
    # What the list does not know is a suffix of one label (publicsuffix.org/list, algorithm).
    own = (suffix_labels(labels) or 1) + 1
    return ".".join(labels[-own:]) if own <= len(labels) else None


def resolve(base: str, link: str) -> str | None:
    """`link` as an absolute http(s) address as seen from `base`; None where it is none."""
    link = link.strip()
    if "&amp;" in link:
        link = link.replace("&amp;", "&")  # escaped twice
    if slip := _SLIP.match(link):
        link = f"{slip.group(1) or slip.group(2)}://{link[slip.end() :]}"
    try:
        joined = link if link.startswith(("https://", "http://")) else _joined(base, link)
        _parse(joined)
    except (ValueError, AddressRefused):
        return None
    return _CONTROL.sub(lambda m: quote(m.group()), joined) if _CONTROL.search(joined) else joined


def _joined(base: str, link: str) -> str:
    scheme, _, host = base.partition("://")
    if "." in link and link.partition("/")[0].lower() == host.partition("/")[0].lower():
        return f"{scheme}://{link}"  # its own host without the scheme, which publishers forget
    if _WWW.match(link):
        return f"{scheme}://{link}"
    return urljoin(base, link)


@lru_cache(maxsize=4096)
def _parse(url: str) -> tuple[SplitResult, str, int]:
    url = url.strip(" \t\r\n\f\x00")
    url = url.replace("\t", "").replace("\n", "").replace("\r", "")
    if len(url) > MAX_LENGTH:
        raise AddressRefused(f"the address is longer than {MAX_LENGTH} characters")
    try:
        parts = urlsplit(url)
        port = parts.port
        raw_host = parts.hostname or ""
    except ValueError as error:
        raise AddressRefused(f"the address cannot be read: {error}") from error
    if parts.scheme not in DEFAULT_PORTS:
        meant = None if "://" in url[:20] or not _BARE.match(url) else f"https://{url}"
        raise AddressRefused("the address must begin with http:// or https://", suggestion=meant)
    if "\\" in parts.netloc:  # a slash to browsers, part of a name to others: nobody knows whose host it is
        raise AddressRefused("the address has a backslash in its host")
    if port == 0:
        raise AddressRefused("port 0 cannot be asked")
    return parts, _host(raw_host), port or DEFAULT_PORTS[parts.scheme]


@lru_cache(maxsize=4096)
def _host(raw: str) -> str:
    if ":" in raw:
        try:
            ip = ipaddress.IPv6Address(raw.partition("%")[0])
            return str(ip.ipv4_mapped or ip)
        except ValueError as error:
            raise AddressRefused(f"[{raw}] is no IPv6 address") from error
    name = unquote(raw)
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True, transitional=False).decode()
        except idna.IDNAError as error:
            raise AddressRefused(f"the host name cannot be read: {error}") from error
    name = name.lower().removesuffix(".")
    if not name or _FORBIDDEN_IN_HOST.search(name) or ".." in name or len(name) > 253:
        raise AddressRefused(f"{raw!r} is no host name")
    return _ipv4(name) or name


def _ipv4(name: str) -> str | None:
    """A host whose last label is a number is an IPv4 address or nothing (WHATWG URL, "ends in a number")."""
    labels = name.split(".")
    if not _NUMBER.match(labels[-1]):
        return None
    if len(labels) > 4 or not all(_NUMBER.match(label) for label in labels):
        raise AddressRefused(f"{name} is no IPv4 address")
    try:
        numbers = [_integer(label) for label in labels]
    except ValueError as error:
        raise AddressRefused(f"{name} is no IPv4 address") from error
    if any(n > 255 for n in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        raise AddressRefused(f"{name} is no IPv4 address")
    value = numbers[-1] + sum(n * 256 ** (3 - i) for i, n in enumerate(numbers[:-1]))
    return str(ipaddress.IPv4Address(value))


def _integer(label: str) -> int:
    if label[:2].lower() == "0x":
        return int(label[2:] or "0", 16)
    return int(label, 8) if len(label) > 1 and label[0] == "0" else int(label)


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _join(scheme: str, userinfo: str, host: str, port: int, path: str, query: str) -> str:
    name = _bracketed(host) if port == DEFAULT_PORTS[scheme] else f"{_bracketed(host)}:{port}"
    user = f"{userinfo}@" if userinfo else ""
    return f"{scheme}://{user}{name}{path}{'?' + query if query else ''}"


def _path(path: str) -> str:
    escaped = _escape(path, _PATH_SAFE) or "/"
    if "/." not in escaped:
        return escaped
    kept: list[str] = []
    segments = escaped.split("/")[1:]
    for segment in segments:  # RFC 3986, 5.2.4
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _escape(text: str, safe: str) -> str:
    """Escape what must be, unescape what need not be, upper-case the rest (RFC 3986, 6.2.2)."""
    if "%" in text:
        text = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text)
        text = _ESCAPE.sub(_normal_escape, text)
    return quote(text, safe=safe)


def _normal_escape(match: re.Match[str]) -> str:
    char = chr(int(match.group(1), 16))
    return char if char in _UNRESERVED else match.group().upper()


def _tracks(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    name = name.lower()
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES) or (name, value.lower()) in _TRACKING_PAIRS
