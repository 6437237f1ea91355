"""The pages of a tenant, below `/t/<slug>/`. Protocol endpoints: `tokens.urls`; REST: `api.urls`."""

from django.urls import path

from console.admin import agents as admin_agents
from console.admin import delegations as admin_delegations
from console.entrance import welcome
from console.entrance.signing_in import login, logout, reauthenticate, signup_closed
from console.me import agents as my_agents
from tokens.endpoints.authorize import AuthorizeView

urlpatterns = [
    path("", welcome.view, name="home"),
    path("authorize", AuthorizeView.as_view(), name="authorize"),
    path("login", login, name="account_login"),
    path("login/again", reauthenticate, name="account_reauthenticate"),
    path("logout", logout, name="account_logout"),
    path("signup", signup_closed, name="account_signup"),
    path("me/agents", my_agents.listing, name="my-agents"),
    path("me/agents/past", my_agents.past, name="past-access"),
    path("me/agents/end-all", my_agents.end_all, name="end-all-access"),
    path("me/agents/<str:delegation_id>/end", my_agents.end, name="end-access"),
    path("me/agents/<str:delegation_id>/undo", my_agents.undo, name="undo-end-access"),
    path("console/agents", admin_agents.listing, name="console-agents"),
    path("console/delegations", admin_delegations.listing, name="console-delegations"),
]
