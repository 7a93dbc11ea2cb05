"""Licences of data and models: their names on the Hugging Face hub, and what they ask."""

import re
from collections.abc import Iterable, Mapping

UNKNOWN = "unknown"
"""The hub's word for a licence that nobody has told."""

_HUB = re.compile(
    r"mit|apache-2\.0|bsd|bsd-[23]-clause|cc0-1\.0|odbl|odc-by|gpl-3\.0|"
    r"cc-by-(2\.0|2\.5|3\.0|4\.0)|cc-by-sa-(3\.0|4\.0)|cc-by-nc-(2\.0|3\.0|4\.0)|cc-by-nd-4\.0|"
    r"cc-by-nc-sa-(2\.0|3\.0|4\.0)|cc-by-nc-nd-(3\.0|4\.0)|unknown|other"
)  # those that the hub lists and data sets have
_ASKED = {
    "nd": "forbids to share what is changed",
    "nc": "forbids commercial use",
    "sa": "asks that what is made of it has its licence",
}


def spdx(licence: str) -> str:
    """A licence's name as the hub writes it: "CC BY-SA 4.0" → `cc-by-sa-4.0`; `unknown` for none."""
    return "-".join(licence.lower().split()) or UNKNOWN


def hub_licence(licence: str) -> dict[str, str]:
    """The keys `license` and, for those that the hub does not list, `license_name` of a card."""
    name = spdx(licence)
    return {"license": name} if _HUB.fullmatch(name) else {"license": "other", "license_name": name}


def joint_licence(licences: Iterable[str]) -> str:
    """The licence of what is made of things under these: the one that asks most; `unknown` where one is not known
    or there is none."""
    names = sorted({spdx(licence) for licence in licences}, key=lambda name: (_burden(name), name))
    return UNKNOWN if not names or UNKNOWN in names else names[-1]


def clashes(licence: str, sources: Mapping[str, str]) -> str:
    """What the licences of sources, by their names, forbid and this one allows: one sentence, or ""."""
    own = _terms(spdx(licence))
    told: dict[tuple[str, str], list[str]] = {}
    for source, other in sources.items():
        for term in ("nd", "nc", "sa"):
            same = _family(licence) == _family(other)
            if term in _terms(spdx(other)) and (term == "nd" or term not in own or (term == "sa" and not same)):
                told.setdefault((other, _ASKED[term]), []).append(source)
                break
    parts = [f"that of {', '.join(some)}, {other}, {asked}" for (other, asked), some in told.items()]
    return f"the licence {spdx(licence)} is not what the data allow: {'; '.join(parts)}" if parts else ""


def _terms(name: str) -> set[str]:
    return set(name.split("-")) if name.startswith("cc-") else set()


def _family(licence: str) -> str:
    """A licence without its version: later ones of Creative Commons may take the place of earlier ones."""
    return re.sub(r"-\d.*", "", spdx(licence))


def _burden(name: str) -> int:
    """How much a licence asks: of Creative Commons' terms, then to be named, then nothing."""
    terms = _terms(name)
    return sum(weight for term, weight in (("nd", 8), ("nc", 4), ("sa", 2), ("by", 1)) if term in terms)
