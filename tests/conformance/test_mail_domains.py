"""The mail domains of a tenant stand in one place: who may name their addresses, and what each is good for."""

import re
from html import unescape

from audit.principals import SYSTEM
from kit import context
from tests.harness import company
from tests.spec import spec
from trust import actions


def lines(world, person="ada"):
    """Return each row of the part as its words."""
    page = world.browser(person).go(world.url("/console/settings")).text
    part = page.partition('id="domains"')[2].partition("</section>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", part.partition("<tbody>")[2], re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows]


@spec("OIDC Core", "5.7")
def test_each_domain_says_whose_word_it_is_and_what_an_address_of_it_does_here(world):
    assert lines(world) == []
    company.let_sign_in_at(world, "https://a.example", "remit", name="Alpha", email_domains=["one.example"])
    more = {"name": "Beta", "email_domains": ["two.example", "one.example"], "mappings": ["email"]}
    company.let_sign_in_at(world, "https://b.example", "remit", **more)
    idle = {"key_source": "metadata", "purposes": ["workload"], "mappings": [], "email_domains": ["three.example"]}
    with context.use(world.tenant):
        third = actions.trust_issuer("https://c.example", by=SYSTEM, name="Gamma", **idle)
    leads, new = "Sign-in: an address of it leads there", "Whoever is not known becomes a member, with that address"
    behind, found = "No sign-in: an address of it leads to another issuer", "A verified address of it finds its member"
    assert lines(world) == [
        f"one.example Alpha {leads} {new}",
        f"one.example Beta {behind} {found}",
        "three.example Gamma Nothing yet: the issuer finds nobody by an address",
        f"two.example Beta {leads} {found}",
    ]
    world.rewrite(third, is_enabled=False)
    assert lines(world)[2] == "three.example Gamma Nothing: the issuer is switched off"
