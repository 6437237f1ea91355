-- What a tenant holds that people have used for a month, in proportion to %(size)s delegations. Two thirds are people's
-- own; a fifth of those have a chain of one to four parts below. Temporary tables keep what several inserts need.

-- As kit.identifiers makes them, in the order of time: what is new stands at the right edge of an index, as it will.
CREATE FUNCTION pg_temp.identifier(prefix text, moment timestamptz, what text) RETURNS text LANGUAGE sql AS $$
    SELECT prefix || '_' || string_agg(
        substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + (milliseconds >> 45 - 5 * place & 31)::int, 1), '' ORDER BY place
    ) || 'e' || left(md5(what), 15)
    FROM generate_series(0, 9) place, CAST(extract(epoch FROM moment) * 1000 AS bigint) milliseconds
$$;

CREATE TEMP TABLE person AS
SELECT who, born,
    pg_temp.identifier('per', born, 'person' || who) AS user_id,
    pg_temp.identifier('usr', born, 'member' || who) AS id
FROM generate_series(0, (%(size)s * 2 / 3 - 1) / cardinality(%(clients)s::text[])) who,
    CAST(now() - interval '31 days' AS timestamptz) born;

-- Every person lets every agent of the list act, once. A seventh of that was ended.
CREATE TEMP TABLE root AS
SELECT number, began, person.id AS member_id, (%(clients)s::text[])[1 + place] AS client_id,
    pg_temp.identifier('con', began, 'consent' || number) AS consent_id,
    pg_temp.identifier('rtf', began, 'family' || number) AS family_id,
    CASE WHEN mod(who + place, 5) = 0 THEN 1 + mod(who, 4) ELSE 0 END AS parts,
    CASE WHEN mod(number, 7) = 3 THEN began + (now() - began) / 2 END AS ended_at
FROM (
    SELECT number, number / cardinality(%(clients)s::text[]) AS who, mod(number, cardinality(%(clients)s::text[])) AS place,
        now() - interval '30 days' * (1 - number / (%(size)s * 2 / 3)::float) AS began
    FROM generate_series(0, %(size)s * 2 / 3 - 1) number
) numbered JOIN person USING (who);

-- Parts go from helper to helper, whoever the first agent was.
CREATE TEMP TABLE grown AS
SELECT root.number, depth, member_id, began, consent_id, client.id AS client_id, client.agent_id,
    pg_temp.identifier('dlg', began + interval '1 minute' * depth, 'delegation' || root.number || ' ' || depth) AS id,
    CASE depth WHEN 0 THEN family_id END AS family_id,
    CASE depth WHEN 0 THEN ended_at END AS ended_at, ended_at IS NOT NULL AS is_over
FROM root
CROSS JOIN LATERAL generate_series(0, parts) depth
JOIN agents_client client ON client.id = CASE depth WHEN 0 THEN root.client_id ELSE (%(helpers)s::text[])[depth] END;
CREATE INDEX ON grown (number, depth);
ANALYZE grown;

-- Three tokens of each; the last one lives for an hour, longer than a run, unless all of it was ended.
CREATE TEMP TABLE issued AS
SELECT grown.*, at, nth, pg_temp.identifier('tok', at, 'token' || grown.number || ' ' || depth || ' ' || nth) AS token_id
FROM grown
CROSS JOIN generate_series(1, 3) nth
CROSS JOIN LATERAL (
    SELECT CASE nth WHEN 3 THEN now() - interval '1 second' * (100 - depth)
        ELSE began + nth * (now() - began) / 5 + interval '1 minute' * depth END AS at
) made
WHERE nth < 3 OR NOT is_over;
CREATE INDEX ON issued (number, depth, nth);
ANALYZE issued;

INSERT INTO tenants_user (id, email, name, password, is_active, is_staff, language, browser_language, created_at)
SELECT user_id, 'person' || who || '@bench.example', 'Person ' || who, '', true, false, '', '', born FROM person;

INSERT INTO tenants_membership (id, tenant_id, user_id, role, status, groups, version, created_at)
SELECT id, %(tenant)s, user_id, 'member', 'active', '[]', 1, born FROM person;

INSERT INTO delegations_consent (id, tenant_id, member_id, client_id, redirect_host, client_digest, identity, shown,
    shown_digest, expires_at, created_at)
SELECT consent_id, %(tenant)s, member_id, client_id, 'agent.example', md5(client_id) || md5(client_id), '[]', '{}',
    md5('') || md5(''), now() + interval '7 days', began
FROM root ORDER BY number;

INSERT INTO delegations_delegation (id, tenant_id, subject, member_id, agent_id, client_id, resource_server_id, audience,
    scopes, constraints, foreign_delegation, expires_at, origin, consent_id, parent_id, depth, helpers, created_at, ended_at, ended_by,
    ended_reason, withheld, shortened_by, version)
SELECT grown.id, %(tenant)s, grown.member_id, grown.member_id, grown.agent_id, grown.client_id, %(server)s, %(audience)s,
    '["events:read", "events:write"]', '{}', '', now() + interval '7 days',
    CASE grown.depth WHEN 0 THEN 'consent' ELSE 'handed_on' END, grown.consent_id, parent.id, grown.depth, '[]',
    grown.began, grown.ended_at, CASE WHEN grown.ended_at IS NULL THEN '' ELSE grown.member_id END,
    CASE WHEN grown.ended_at IS NULL THEN '' ELSE 'ended by the person' END, '[]', '', 1
FROM grown LEFT JOIN grown parent ON parent.number = grown.number AND parent.depth = grown.depth - 1
ORDER BY grown.number, grown.depth;

INSERT INTO delegations_ancestry (tenant_id, delegation_id, ancestor_id, distance)
SELECT %(tenant)s, below.id, above.id, below.depth - above.depth
FROM grown below JOIN grown above ON above.number = below.number AND above.depth < below.depth
ORDER BY below.number, below.depth, above.depth DESC;

INSERT INTO tokens_refreshtoken (id, tenant_id, client_id, subject, scope, delegations, digest, generation, rotated_at,
    expires, auth_time, created, redirect_host, label, key_thumbprint, ended_by)
SELECT family_id, %(tenant)s, client_id, member_id, 'events:read', jsonb_build_array(id), md5(id) || md5(family_id), 2,
    began + (now() - began) / 2, now() + interval '7 days', began, began, 'agent.example', '', '', ''
FROM grown WHERE depth = 0 ORDER BY number;

INSERT INTO tokens_accesstoken (id, tenant_id, subject, actor, client_id, audience, delegation_id, family_id, parent_id,
    grant_type, scope, digest, created, expires)
SELECT issued.token_id, %(tenant)s, issued.member_id, issued.agent_id, issued.client_id, %(audience)s, issued.id,
    issued.family_id, parent.token_id,
    CASE issued.depth WHEN 0 THEN 'refresh_token' ELSE 'urn:ietf:params:oauth:grant-type:token-exchange' END,
    'events:read', '', issued.at, issued.at + CASE issued.nth WHEN 3 THEN interval '1 hour' ELSE interval '5 minutes' END
FROM issued
LEFT JOIN issued parent ON parent.number = issued.number AND parent.depth = issued.depth - 1 AND parent.nth = issued.nth
ORDER BY issued.at;

INSERT INTO audit_entry (id, tenant_id, at, event, principal_kind, principal_id, principal_label, on_behalf_of, through,
    about_kind, about_id, about_label, reason, request_id, detail)
SELECT pg_temp.identifier('evt', at, token_id), %(tenant)s, at, 'token.issued', 'agent', agent_id, 'An agent', member_id,
    agent_id, 'accesstoken', token_id, 'access token for ' || %(audience)s, '', '',
    jsonb_build_object('scope', 'events:read', 'delegation', id)
FROM issued ORDER BY at;
