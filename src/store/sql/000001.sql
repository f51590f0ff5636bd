-- Events in, decisions, notifications, deliveries.
--
-- Every primary key leads with tenant_id, so that the schema shards by tenant as it stands.
-- Text keys are compared bytewise (collate "C"): the same order on every server, and the fastest one.
-- Tables that grow with traffic are partitioned by time, so that retention drops partitions: events by event time,
-- notifications and what hangs on them by the time inside their id (UUIDv7). src/store/pg/partitions.ts makes the months.

-- The catalogs a tenant has applied; immutable, numbered from 1.
create table catalogs (
  tenant_id    text collate "C" not null,
  version      integer     not null check (version > 0),
  content_hash text        not null,
  content      jsonb       not null,
  applied_at   timestamptz not null,
  applied_by   text        not null,
  primary key (tenant_id, version)
);

-- The one version in force. Every batch reads it in its own transaction: no batch runs under two.
create table active_catalogs (
  tenant_id text collate "C" primary key,
  version   integer not null,
  foreign key (tenant_id, version) references catalogs
);

-- Append-only. What was decided when the event arrived stands on its own row: one insert, one commit.
-- json, not jsonb: it is written once, read whole, and never searched inside.
create table events (
  tenant_id       text collate "C" not null,
  user_id         text collate "C" not null,
  event_time      timestamptz(3)   not null,
  key             uuid             not null,  -- identity: of the caller's event_id, or of the content
  event_type      text collate "C" not null,
  event_id        text collate "C",           -- the caller's; null: the key is the id
  received_at     timestamptz(3)   not null,
  properties      json             not null,
  traits          json             not null,  -- addresses only as masks
  context         json,                       -- what else the caller's envelope held
  catalog_version integer          not null,
  has_fired        boolean,                   -- a decision sent, acted or started a wait; null: no decision did
  has_trait_change boolean,                   -- a decision has evidence of a trait change; null: no decision has
  decisions       json             not null,  -- in the short form of src/store/decisions.ts
  primary key (tenant_id, user_id, event_time, key) include (event_type)
) partition by range (event_time);
create table events_default partition of events default;
-- For "what happened lately": rows arrive in this order, so a few bytes per block range are enough.
create index events_received on events using brin (received_at) with (pages_per_range = 16, autosummarize = on);

-- The caller's event ids, for ever: a partition of events may be dropped, a repeated id must still be known.
-- An id derived from content needs no row: same content, same event time, same partition, same key.
create table event_ids (
  tenant_id    text collate "C" not null,
  key          uuid             not null,
  content_hash uuid             not null,
  user_id      text collate "C" not null,
  event_time   timestamptz(3)   not null,
  primary key (tenant_id, key)
);

-- What is known of a person. Per trait, trait_times holds the event time (ms) its value comes from.
create table users (
  tenant_id      text collate "C" not null,
  user_id        text collate "C" not null,
  traits         json             not null,
  trait_times    json             not null,
  address_hashes json             not null,  -- kind -> keyed hash of the present address, to see a change without opening it
  first_seen_at  timestamptz(3)   not null,
  updated_at     timestamptz(3)   not null,
  primary key (tenant_id, user_id)
) with (fillfactor = 70);

-- The only place of an address. Sealed with AES-256-GCM under key_id; found by keyed hash.
create table addresses (
  tenant_id  text collate "C" not null,
  user_id    text collate "C" not null,
  kind       text             not null check (kind in ('email', 'phone')),
  sealed     bytea            not null,
  key_id     text             not null,
  hash       text collate "C" not null,
  mask       text             not null,
  updated_at timestamptz(3)   not null,
  primary key (tenant_id, user_id, kind)
);

-- Each send that a limit counted. The key is the guard: a second "once" cannot be inserted.
-- bucket: 'ever', a calendar date, or for a rolling period the event time itself; slot: 1..max within it.
create table limit_uses (
  tenant_id       text collate "C" not null,
  user_id         text collate "C" not null,
  limit_key       text collate "C" not null,
  bucket          text collate "C" not null,
  slot            smallint         not null check (slot > 0),
  event_time      timestamptz(3)   not null,
  event_id        text             not null,
  notification_id uuid             not null,
  primary key (tenant_id, user_id, limit_key, bucket, slot)
);

create table notifications (
  tenant_id         text collate "C" not null,
  user_id           text collate "C" not null,
  notification_id   uuid             not null,
  notification_type text collate "C" not null,
  category          text             not null,
  rule              text             not null,
  decision_id       text             not null,
  event_id          text             not null,
  catalog_version   integer          not null,
  data              json             not null,  -- what its templates may show; addresses only as masks
  created_at        timestamptz(3)   not null,
  primary key (tenant_id, user_id, notification_id)
) partition by range (notification_id);
create table notifications_default partition of notifications default;

-- One notification on one channel. The table is its own queue.
--
--   queued ──claim──▶ sending ──▶ sent
--     ▲                 │   ├────▶ undeliverable   (no address)
--     ├──retry/lease────┤   ├────▶ dead            (rejected, or too old: the dead letters)
--     │                 │   └────▶ in_doubt        (a crash or a lost answer, and the type says hold)
--     └──operator retry─┴─── undeliverable, dead, in_doubt
create table deliveries (
  tenant_id           text collate "C" not null,
  notification_id     uuid             not null,
  channel             text collate "C" not null,
  user_id             text collate "C" not null,
  notification_type   text collate "C" not null,
  status              text             not null default 'queued'
    check (status in ('queued', 'sending', 'sent', 'undeliverable', 'dead', 'in_doubt', 'cancelled')),
  due_at              timestamptz(3)   not null,
  give_up_at          timestamptz(3)   not null,
  in_doubt_policy     text             not null check (in_doubt_policy in ('resend', 'hold')),
  attempts            integer          not null default 0,
  fence               integer          not null default 0,  -- grows with each claim: a late worker's word no longer counts
  worker              text,
  claimed_at          timestamptz(3),
  lease_until         timestamptz(3),
  send_started         boolean          not null default false, -- this claim may have reached the provider
  provider            text,
  provider_message_id text,
  reason_code         text,
  reason              text,
  created_at          timestamptz(3)   not null,
  finished_at         timestamptz(3),
  primary key (tenant_id, notification_id, channel),
  check ((status = 'sending') = (lease_until is not null)),
  check ((status in ('queued', 'sending')) = (finished_at is null))
) partition by range (notification_id);
create table deliveries_default partition of deliveries default;
create index deliveries_due on deliveries (channel, due_at) where status = 'queued';
create index deliveries_leased on deliveries (lease_until) where status = 'sending';
create index deliveries_stopped on deliveries (tenant_id, status, notification_id)
  where status in ('undeliverable', 'dead', 'in_doubt', 'cancelled');

-- One call to a provider.
create table attempts (
  tenant_id           text collate "C" not null,
  notification_id     uuid             not null,
  channel             text collate "C" not null,
  attempt             integer          not null,
  provider            text             not null,
  worker              text             not null,
  started_at          timestamptz(3)   not null,
  duration_ms         integer          not null,
  outcome             text             not null
    check (outcome in ('delivered', 'retry', 'rejected', 'in_doubt', 'undeliverable')),
  reason              text,
  response            text,             -- shortened and redacted
  provider_message_id text,
  primary key (tenant_id, notification_id, channel, attempt)
) partition by range (notification_id);
create table attempts_default partition of attempts default;

-- The message as it was sent.
create table messages (
  tenant_id       text collate "C" not null,
  notification_id uuid             not null,
  channel         text collate "C" not null,
  to_mask         text,
  subject         text,
  text            text             not null,
  html            text,
  rendered_at     timestamptz(3)   not null,
  primary key (tenant_id, notification_id, channel)
) partition by range (notification_id);
create table messages_default partition of messages default;

-- Quarantine. The body is sealed whole (it may hold addresses in any place); preview is it, masked.
create table rejected_events (
  tenant_id   text collate "C" not null,
  rejected_id uuid             not null,  -- of the content: the same mistake posted again is counted, not piled up
  event_id    text,
  code        text             not null,
  path        text             not null,
  message     text             not null,
  preview     json             not null,
  sealed      bytea            not null,
  key_id      text             not null,
  times       integer          not null default 1,
  first_at    timestamptz(3)   not null,
  last_at     timestamptz(3)   not null,
  primary key (tenant_id, rejected_id)
);
create index rejected_events_last on rejected_events (tenant_id, last_at, rejected_id);

-- Who changed what: catalog applied, delivery retried, quarantined event retried.
create table audit_log (
  tenant_id text collate "C" not null,
  entry_id uuid             not null,  -- UUIDv7: in order of time
  at        timestamptz(3)   not null,
  actor     text             not null,
  action    text             not null,
  subject   text             not null,
  detail    json             not null,
  primary key (tenant_id, entry_id)
);

-- Facts about this installation, such as the fingerprint of its encryption key.
create table metadata (
  name  text primary key,
  value text not null
);
