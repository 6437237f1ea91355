"""The pages of a tenant, below `/t/<slug>/`. Protocol endpoints: `tokens.urls`; REST: `api.urls`."""

from django.urls import path

from console.admin import agents as admin_agents
from console.admin import delegations as admin_delegations
from console.entrance import signing_in, welcome
from console.me import agents as my_agents
from console.me import authenticator_app, passkeys, recovery_codes, security
from tokens.endpoints.authorize import AuthorizeView

urlpatterns = [
    path("", welcome.view, name="home"),
    path("authorize", AuthorizeView.as_view(), name="authorize"),
    # Names with `account_` and `mfa_` are those that allauth looks up.
    path("login", signing_in.login, name="account_login"),
    path("login/passkey", signing_in.login_with_passkey, name="mfa_login_webauthn"),
    path("login/second-factor", signing_in.second_factor_page, name="mfa_authenticate"),
    path("login/again", signing_in.reauthenticate, name="account_reauthenticate"),
    path("login/again/code", signing_in.reauthenticate_with_code, name="mfa_reauthenticate"),
    path("login/again/passkey", signing_in.reauthenticate_with_passkey, name="mfa_reauthenticate_webauthn"),
    path("logout", signing_in.logout, name="account_logout"),
    path("signup", signing_in.signup_closed, name="account_signup"),
    path("me/agents", my_agents.listing, name="my-agents"),
    path("me/agents/past", my_agents.past, name="past-access"),
    path("me/agents/end-all", my_agents.end_all, name="end-all-access"),
    path("me/agents/<str:delegation_id>/end", my_agents.end, name="end-access"),
    path("me/agents/<str:delegation_id>/undo", my_agents.undo, name="undo-end-access"),
    path("me/security", security.view, name="mfa_index"),
    path("me/security/passkeys/add", passkeys.add, name="mfa_add_webauthn"),
    path("me/security/passkeys/<int:pk>/remove", passkeys.remove, name="mfa_remove_webauthn"),
    path("me/security/app/add", authenticator_app.add, name="mfa_activate_totp"),
    path("me/security/app/remove", authenticator_app.remove, name="mfa_deactivate_totp"),
    path("me/security/recovery-codes", recovery_codes.show, name="mfa_view_recovery_codes"),
    path("me/security/recovery-codes/file", recovery_codes.download, name="mfa_download_recovery_codes"),
    path("me/security/recovery-codes/replace", recovery_codes.replace, name="mfa_generate_recovery_codes"),
    path("console/agents", admin_agents.listing, name="console-agents"),
    path("console/delegations", admin_delegations.listing, name="console-delegations"),
]
