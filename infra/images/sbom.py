"""Print a bill of materials of the image that runs this, as CycloneDX 1.5 JSON: Python's packages and Debian's.

The image's Python reads this file from standard input, so the image needs no tool of its own:
``docker run --rm -i --network none --entrypoint python IMAGE - NAME < infra/images/sbom.py``. The same image gives the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

DPKG = Path("/var/lib/dpkg/status")
OS_RELEASE = Path("/etc/os-release")


def python_packages() -> list[dict[str, Any]]:
    """Every distribution that this Python can import."""
    found = {}
    for one in distributions():
        name, version = re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(), one.version
        license_ = one.metadata.get("License-Expression")
        entry = _component(name, version, f"pkg:pypi/{name}@{quote(version)}")
        if license_:
            entry["licenses"] = [{"expression": license_}]
        found[entry["purl"]] = entry
    return list(found.values())


def debian_packages() -> list[dict[str, Any]]:
    """Every package that dpkg has installed; none where there is no dpkg."""
    if not DPKG.exists():
        return []
    release = dict(line.split("=", 1) for line in OS_RELEASE.read_text().splitlines() if "=" in line)
    system = f"{release['ID']}-{release.get('VERSION_ID', '')}".replace('"', "")
    found = []
    for paragraph in DPKG.read_text().split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture|Status): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status") == "install ok installed":
            name, version, machine = fields["Package"], fields["Version"], fields["Architecture"]
            purl = f"pkg:deb/debian/{name}@{quote(version)}?arch={machine}&distro={system}"
            found.append(_component(name, version, purl))
    return found


def _component(name: str, version: str, purl: str) -> dict[str, Any]:
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


if __name__ == "__main__":
    components = sorted([*python_packages(), *debian_packages()], key=lambda one: one["purl"])
    subject = {"type": "container", "name": sys.argv[1] if len(sys.argv) > 1 else "image"}
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"component": subject}, "components": components}
    json.dump(bom, sys.stdout, indent=1)
    sys.stdout.write("\n")
