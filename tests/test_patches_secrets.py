"""One set of rules: what is a secret goes in whatever notation, what is none stays, and no text takes long."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from patches import masking
from tests.support.canary_texts import Canary, canaries
from tests.support.innocent_texts import ACCEPTED, innocents

CANARIES = list(canaries())

#: What each pattern looks for, and beginnings of it, to be written over and over.
UNITS = """
_--eyJ|://:|://a:|://a:b@|:\\/\\/a:|password|password=|password=[|password='|password=\\'|password "|pass=(|eyJaaaaaaaa.|
-----BEGIN|-----END|-----BEGIN A-----|secret,|secret,data|$6$|$2a$a|token=a,|authorization: a ,b=|cookie: a=b;|tokens/|
tokens/a|%3A%2F%2F|%3a%2f%2fa%40|ssh-rsa |AQaaaaaaaaaaa|gAAAA|mysql -p|mysql 'a|mysql "|echo |echo a \\||echo '|curl -u |
password\\|<password|<password a|<password>|&quot;password|password&quot;:&quot;|%22password%22%3A|%2525|
insert into users values (|insert into users |[SQL: |[SQL: set password]\n[parameters: (|identified by |identified with a |
"value": "a", |"value": |-v a |'password', |"name": "password", |password is |password set to |password.value|pass.|pass-|
passaaaa|password: \\|\n|/* |-- a|'pass|set password for |payload"|payload_content_ payload"|&code=|:key=|crypt |DHHC-1:00:|
ghp_|{SSHA}|#cloud-config|<<<|<<< '|pass \\| sudo|chpasswd a:|x=y pass|password\u0130|password=\u0130|cookie=0x0,|
ldapsearch -w|-n password |node.session.auth.password |user=a%|secret key |token token | password\n  a|sudo -S |vault login
"""  # noqa: E501


def units() -> list[str]:
    """Each by itself."""
    parted = UNITS.strip("\n").replace("|\n", "|").replace("\\|", "\0").split("|")
    return [unit.replace("\0", "|") for unit in parted if unit]


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_a_secret_goes_and_none_of_it_stays(canary: Canary) -> None:
    """Whole, and its first half too."""
    masked = masking.mask(canary.text)
    assert canary.secret not in masked
    assert canary.secret[:8] not in masked
    assert masking.mask(masked) == masked


@pytest.mark.parametrize("canary", CANARIES[::4], ids=lambda canary: canary.name)
def test_a_secret_goes_from_a_text_within_others(canary: Canary) -> None:
    """Quoted in a sentence, in a log line with more behind it, in a list's text."""
    for text in (f"failed: {canary.text}", f"{canary.text}\nnext line", repr([canary.text]), f"({canary.text})"):
        assert canary.secret not in masking.mask(text), text


@pytest.mark.parametrize("text", innocents())
def test_what_is_no_secret_stays(text: str) -> None:
    """Ids, uuids, names, hosts, addresses, sizes, errors without a secret: they are what a boot is told by."""
    assert masking.mask(text) == text


@pytest.mark.parametrize("text", ACCEPTED)
def test_false_masks_that_are_accepted_are_no_fewer(text: str) -> None:
    """The list says why; what is no longer masked leaves it."""
    assert masking.mask(text) != text


def test_there_are_enough_of_both() -> None:
    """So that a rule is never tried on a few samples only."""
    assert len(CANARIES) >= 200
    assert len({canary.secret for canary in CANARIES}) == len(CANARIES)
    assert len(set(innocents())) >= 200


def _cost(work: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    work(text)
    return time.process_time() - began


@pytest.mark.parametrize("unit", units(), ids=repr)
def test_time_grows_as_the_text_does(unit: str) -> None:
    """16 times the text takes no more than three times that: what is quadratic would take 256 times."""
    for work in (masking.mask, masking.without_secrets, lambda text: masking.without_secrets(f"SET password='{text}")):
        few, many = (unit * (size // len(unit)) for size in (5_000, 80_000))
        least = max(min(_cost(work, few) for _ in range(3)), 0.002)
        assert _cost(work, many) < 48 * least or _cost(work, many) < 48 * least
