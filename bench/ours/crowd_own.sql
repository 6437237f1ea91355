-- What an agent issued to itself, once a VACUUM has said where pages have room: small rows fill what larger ones left,
-- as they do over a month. Without them each new one would find a page of its own, and log all of it.

CREATE TEMP TABLE own AS
SELECT at, pg_temp.identifier('tok', at, 'own' || nth) AS token_id, delegation.*
FROM generate_series(1, %(size)s / 4) nth
CROSS JOIN LATERAL (SELECT now() - interval '29 days' * (1 - nth / (%(size)s / 4 + 1)::float) AS at) made
JOIN delegations_delegation delegation ON client_id = %(worker)s;

INSERT INTO tokens_accesstoken (id, tenant_id, subject, actor, client_id, audience, delegation_id, grant_type, scope,
    digest, created, expires)
SELECT token_id, tenant_id, subject, '', client_id, audience, id, 'client_credentials', 'events:read', '', at,
    at + interval '5 minutes'
FROM own ORDER BY at;

INSERT INTO audit_entry (id, tenant_id, at, event, principal_kind, principal_id, principal_label, on_behalf_of, through,
    about_kind, about_id, about_label, reason, request_id, detail)
SELECT pg_temp.identifier('evt', at, token_id), tenant_id, at, 'token.issued', 'agent', agent_id, 'Worker', subject,
    agent_id, 'accesstoken', token_id, 'access token for ' || audience, '', '',
    jsonb_build_object('scope', 'events:read', 'delegation', id)
FROM own ORDER BY at;
