"""Keys, tokens and passwords: known prefixes, and values behind a telling name.

The prefixes are those that their issuers publish, also for secret scanners (GitHub's, GitGuardian's and detect-secrets' lists). A token with a wrong
check sum is hidden too: it may be a right one with a typing error.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKS = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:(?!-----BEGIN ).){0,20000}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|(?:(?:\s|\\n)+[A-Za-z0-9+/=]{8,})*)",
    re.DOTALL,
)
"""Private keys of OpenSSL, OpenSSH and PGP. One that is cut has no end, and goes as far as its lines look like it."""

PREFIXED = tuple(
    (literals, re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})"))
    for literals, pattern in (
        (("eyJ",), r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # JSON Web Token
        (
            ("A3T", "AKIA", "ASIA", "AGPA", "AIDA", "AROA", "AIPA", "ANPA", "ANVA", "ABIA", "ACCA"),  # AWS
            r"A(?:3T[A-Z0-9]|KIA|SIA|GPA|IDA|ROA|IPA|NPA|NVA|BIA|CCA)[0-9A-Z]{16}(?![A-Za-z0-9])",
        ),
        (("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), r"gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}"),
        (
            ("glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glft-", "glsoat-", "glagent-", "glimt-", "gloas-", "glsa_"),
            r"gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent|imt|oas)-[\w.-]{16,}|glsa_\w{16,}",
        ),  # GitLab, Grafana
        (("hf_",), r"hf_[A-Za-z0-9]{16,}"),
        (("xox", "xapp-", "hooks.slack"), r"xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{16,}|hooks\.slack\.com/services/[\w/]{20,}"),
        (("_live_", "_test_", "whsec_"), r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[\w+/=]{16,}"),  # Stripe
        (("AIza", "ya29.", "GOCSPX-"), r"AIza[\w-]{30,}|ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}"),  # Google
        (
            ("npm_", "pypi-", "rubygems_", "dckr_"),
            r"npm_[A-Za-z0-9]{16,}|pypi-[\w-]{16,}|rubygems_[0-9a-f]{16,}|dckr_(?:pat|oat)_[\w-]{16,}",
        ),
        (("SG.",), r"SG\.[\w-]{16,}\.[\w-]{16,}"),  # SendGrid
        (("SK", "AC", "key-"), r"(?:SK|AC)[0-9a-f]{32}(?![A-Za-z0-9])|key-[0-9a-f]{32}"),  # Twilio, Mailgun
        ((":AA",), r"\d{8,10}:AA[\w-]{33}"),  # Telegram
        (("_v1_", "dapi"), r"d(?:op|oo|or)_v1_[0-9a-f]{32,}|dapi[0-9a-f]{32}"),  # DigitalOcean, Databricks
        (("shp", "sq0"), r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}|sq0(?:atp|csp)-[\w-]{16,}"),  # Shopify, Square
        (
            ("ATATT3", "lin_api_", "hvs.", "figd_", "PMAK-"),
            r"ATATT3[\w=.-]{16,}|lin_api_\w{16,}|hvs\.[\w-]{16,}|figd_[\w-]{16,}|PMAK-[\w-]{16,}",
        ),
        (("sntry", "nfp_", "ntn_", "r8_", "gsk_"), r"sntry[su]_[\w=+/-]{16,}|nfp_\w{16,}|ntn_\w{16,}|r8_\w{16,}|gsk_\w{16,}"),
        (
            ("xai-", "pplx-", "NRAK-", "sbp_", "AGE-"),
            r"xai-\w{16,}|pplx-\w{16,}|NRAK-[A-Z0-9]{16,}|sbp_[0-9a-f]{16,}|AGE-SECRET-KEY-1[0-9A-Z]{16,}",
        ),
    )
)
"""What a token holds, and its form. The search for a literal costs a hundredth of that for a form, and mostly ends there."""

OPENAI = re.compile(r"(?<![A-Za-z0-9_-])sk-[\w-]{16,}")
"""Also Anthropic's. Words such as ``sk-learn-contrib-package`` have the form too, but neither digits nor capitals."""

URL_PASSWORD = re.compile(r"(?<=://)[^\s/:@]*:[^\s/@]+(?=@)")
"""User and password of a URL."""

TELLING = ("passw", "pwd", "passphrase", "secret", "token", "bearer", "basic ", "key", "credential", "sig")
"""Without one of these, no value has a telling name."""

QUERY = re.compile(
    r"(?<=[?&;])(?:password|passwd|pwd|secret|token|(?:api|access|auth)_?(?:key|token)|sig|signature)=([^\s&\"'<;]+)", re.IGNORECASE
)
"""Parameters of a URL or a connection string: any value is one."""

HEADER = re.compile(r"(?<![A-Za-z])(?:bearer|basic|token) ([\w.~+/=-]{12,})", re.IGNORECASE)

ASSIGNED = re.compile(r"[:=][:=>]?\s{0,3}[\"'`]?([^\s\"'`,;<>&(){}\[\]|]{6,})")
NAME = re.compile(
    r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|auth[_-]?key|private[_-]?key|credentials?)"
    r"(?:[_-]?(?:id|value|key))?[\"'`]?\s{0,3}\Z",
    re.IGNORECASE,
)
"""What stands before the sign of an assignment. Looked at afterwards, because few values look random."""
NAME_CHARS = 40

PLACEHOLDER = re.compile(r"\.{3}|\*{3}|<\w+>|\$\{|x{4}", re.IGNORECASE)
"""What documentation has in the place of a value."""

MIN_BITS = 2.5
"""Entropy of a password's characters, in bits for each; words of a language with a number have more too, so a digit and a letter are asked for as well."""


def find_tokens(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each key, token and password. Of ``name=value`` only the value is one."""
    if "PRIVATE KEY" in text:
        yield from (found.span() for found in BLOCKS.finditer(text))
    for literals, pattern in PREFIXED:
        if any(map(text.__contains__, literals)):
            yield from (found.span() for found in pattern.finditer(text))
    if "sk-" in text:
        yield from (found.span() for found in OPENAI.finditer(text) if not found[0].islower() or _has_digit(found[0]))
    if "://" in text:
        yield from (found.span() for found in URL_PASSWORD.finditer(text) if not PLACEHOLDER.search(found[0]))
    folded = text.lower()
    if any(map(folded.__contains__, TELLING)):
        yield from (found.span(1) for found in QUERY.finditer(text))
        yield from (found.span(1) for found in HEADER.finditer(text) if looks_random(found[1]))
        for found in ASSIGNED.finditer(text):
            if looks_random(found[1].rstrip(".")) and NAME.search(text[max(found.start() - NAME_CHARS, 0) : found.start()]):
                yield found.span(1)


def looks_random(value: str) -> bool:
    """Whether a value may be a password: digits and letters, and characters that differ."""
    if not _has_digit(value) or not any(map(str.isalpha, value)) or PLACEHOLDER.search(value):
        return False
    return entropy(value) >= MIN_BITS


def entropy(value: str) -> float:
    """Shannon entropy of the characters, in bits for each."""
    return -sum(times / len(value) * math.log2(times / len(value)) for times in Counter(value).values())


def _has_digit(value: str) -> bool:
    return any(map(str.isdigit, value))
