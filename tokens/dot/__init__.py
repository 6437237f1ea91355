"""The bridge to django-oauth-toolkit: the only door to oauthlib.

The toolkit's authorization endpoint validates through `server` and `validator`; token, revocation, introspection and
bearer requests come in through `backend` and leave for the six rooms before oauthlib sees them.
"""
