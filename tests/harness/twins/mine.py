"""What people do about their own: what they allowed, where it runs, what they are asked, and the lists they saved."""

from delegations import saved_views, undoing
from delegations.rules import Limits
from tests.harness.twins.case import Ask, Names, Press, case
from tests.harness.twins.scenes import by, delegation
from tests.harness.world import World
from tokens import actions, narrowing

ME = "/me/agents"
OWN = "delegations/{delegation}"
LESS = {"scopes": ["events:read"]}
ALL = {"reason": undoing.ALL_AT_ONCE}


def _narrowed(world: World, names: Names) -> None:
    limits = Limits(frozenset({"events:read"}), None)
    narrowing.narrow_delegation(delegation(names), limits, by=by(world, "alice"), reason="")


def _both(world: World, names: Names) -> Names:
    """Name what the app holds, which can be ended by it last."""
    theirs = [each.pk for each in world.delegations() if each.subject == world.people["alice"].pk]
    (last,) = set(theirs) - {names["delegation"]}
    return {"last": last}


def _ended(world: World, names: Names) -> None:
    """End all but what the app holds."""
    actions.end_delegation(delegation(names), by=by(world, "alice"), reason=undoing.ALL_AT_ONCE)


def _saved(world: World, names: Names) -> Names:
    view = saved_views.save(world.people["ada"], "agents", "Hers", "q=x", by=by(world))
    return {"view": view.pk}


def _shared(world: World, names: Names) -> Names:
    found = _saved(world, names)
    (view,) = saved_views.of(world.people["ada"]).filter(pk=found["view"])
    saved_views.share(view, by=by(world))
    return found


CASES = (
    case(
        "end-all-access",
        ME,
        Press("/end-all"),
        (Ask("POST", f"{OWN}/end", ALL), Ask("POST", "delegations/{last}/end", ALL)),
        scene=_both,
        person="alice",
    ),
    case("undo-end-all", ME, Press("/undo-all"), Ask("POST", f"{OWN}/restore"), scene=_ended, person="alice"),
    case("end-access", ME, Press("/{delegation}/end"), Ask("POST", f"{OWN}/end", {}), person="alice"),
    case(
        "undo-end-access",
        ME,
        (Press("/{delegation}/end"), Press("/{delegation}/undo")),
        (Ask("POST", f"{OWN}/end", {}), Ask("POST", f"{OWN}/restore")),
        person="alice",
    ),
    case(
        "narrow-access",
        ME,
        Press("/{delegation}/narrow", {"scope": ["events:read"]}),
        Ask("PATCH", OWN, LESS),
        person="alice",
    ),
    case(
        "put-back-access",
        ME,
        Press("/{delegation}/put-back"),
        Ask("POST", f"{OWN}/put-back"),
        scene=_narrowed,
        person="alice",
    ),
    case(
        "end-place",
        ME,
        Press("/places/{place}/end"),
        Ask("POST", f"{OWN}/installations/{{place}}/end"),
        person="alice",
    ),
    case(
        "answer-question",
        "/me/questions",
        Press("/{approval}/answer", {"words": "For the summaries."}),
        Ask("POST", "questions/{approval}/answer", {"words": "For the summaries."}),
        person="alice",
    ),
    case(
        "save-view",
        "/console/agents?q=CI",
        Press("/me/views/save", {"name": "Of CI"}),
        Ask("POST", "me/views", {"list": "agents", "name": "Of CI", "query": "q=CI"}),
    ),
    case(
        "rename-view",
        "/me/views",
        Press("/{view}/rename", {"name": "Another"}),
        Ask("PATCH", "me/views/{view}", {"name": "Another"}),
        scene=_saved,
    ),
    case("share-view", "/me/views", Press("/{view}/share"), Ask("POST", "views/{view}/share"), scene=_saved),
    case("unshare-view", "/me/views", Press("/{view}/unshare"), Ask("POST", "views/{view}/unshare"), scene=_shared),
    case("remove-view", "/me/views", Press("/{view}/remove"), Ask("DELETE", "me/views/{view}"), scene=_saved),
)
