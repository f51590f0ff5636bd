-- Tidings: the schema.
--
-- Events are ingested, rules decide about them, and decisions create notifications, of which each channel is a delivery:
--
--   events ──▶ (decisions, on the row of the event) ──▶ notifications ──▶ deliveries ──▶ attempts, messages
--         └──▶ waits ──▶ (fired later)
--
-- Conventions
-- * Every table of a tenant's data has a primary key that starts with tenant_id, so that the schema can be sharded by
--   tenant.
-- * Ids and names are text with collate "C": compared byte by byte, in the same order on every server, and fastest.
-- * Times are timestamptz(3): milliseconds, as JavaScript has them.
-- * Documents are json, not jsonb: they are written once, read whole, and never searched inside.
-- * A document shows addresses only as masks. If this changed it, "sealed" beside it holds the original, for the rules and
--   templates: the id of its key (8 bytes), then AES-256-GCM bound to the row (src/privacy/documents.ts). Null: nothing
--   is masked, except for the addresses of the user, which "addresses" holds.
-- * Tables that grow with traffic are partitioned by month, so that old data is dropped with its partition: events by event
--   time, notifications and what belongs to them by the time inside their id (UUIDv7). src/store/pg/partitions.ts creates
--   the months ahead of time. Rows of other months go to the default partition.
-- * Statements are prepared once, on small tables, and their generic plans are kept (see src/store/pg/pool.ts). Where two
--   indexes of a table could serve a look-up, one of them is partial, with a condition that only its own statements name:
--   then the planner cannot confuse them. A condition such as due_at > '-infinity' is true for every row.


------------------------------------------------------------------------------------------------------------------------
-- Tenants, and those who may act for them

-- Every tenant. The data of test keys is a tenant of its own, "<tenant_id>.test", whose messages stay in the sandbox.
create table tenants (
  tenant_id      text collate "C" primary key
    constraint tenants_id_known check (tenant_id ~ '^[a-z0-9][a-z0-9_-]{0,62}(\.test)?$'),
  name           text             not null,
  environment    text             not null default 'live' constraint tenants_environment_known
    check (environment in ('live', 'test')),
  live_tenant_id text collate "C" references tenants,  -- of a test tenant, its live one
  follows        text collate "C" references tenants,  -- the tenant whose catalog it has; null: its own
  status         text             not null default 'active' constraint tenants_status_known
    check (status in ('active', 'suspended', 'moving', 'deleting')),
  settings       json             not null default '{}',  -- zone, default locale, sender identity, branding
  revision       bigint           not null default 1,  -- grows with each change, for If-Match
  operation_id   uuid,                                 -- the request that created it: a repetition is no conflict
  created_at     timestamptz(3)   not null default now(),
  updated_at     timestamptz(3)   not null default now(),
  suspended_at   timestamptz(3),                        -- when it was suspended, moved or deleted; null: it is active
  is_held        boolean          not null default false,  -- its queues may have held rows, see src/store/tenants/queues.ts
  constraint tenants_test_has_live check ((environment = 'test') = (live_tenant_id is not null)),
  -- Messages of a tenant with this ending stay in the sandbox.
  constraint tenants_test_has_ending check ((environment = 'test') = (tenant_id like '%.test'))
);
create index tenants_limited on tenants (tenant_id) where settings -> 'limits' is not null;
create index tenants_follows on tenants (follows) where follows is not null;
-- Tenants whose rows workers hold, release or delete.
create index tenants_unsettled on tenants (tenant_id) where is_held or status <> 'active';

-- API keys. The key itself is shown once, and never stored.
create table api_keys (
  tenant_id    text collate "C" not null references tenants,  -- of the data: that of a test key is the test tenant
  key_id       text collate "C" not null,   -- the 8 characters after td_live_ or td_test_
  hash         bytea            not null,   -- SHA-256 of the key
  last4        text             not null,
  name         text             not null,
  is_installation boolean       not null default false,  -- may act for every tenant
  scopes       text[]           not null,
  per_minute   integer          constraint api_keys_per_minute_positive check (per_minute > 0),  -- null: the default limit
  created_by   json             not null,   -- Actor of src/model/principal.ts
  created_at   timestamptz(3)   not null default now(),
  expires_at   timestamptz(3),              -- null: never
  revoked_at   timestamptz(3),
  rotated_from text collate "C",            -- the key that this one replaces
  last_used_at timestamptz(3),              -- written at most once a minute
  primary key (tenant_id, key_id)
);
create unique index api_keys_id on api_keys (key_id);
create unique index api_keys_replacement on api_keys (tenant_id, rotated_from) where rotated_from is not null;

-- Uses of the limits of keys, shared by the processes. Not logged: after a crash, every limit begins anew.
create unlogged table quotas (
  quota_id    text collate "C"  primary key,
  taken_until double precision not null  -- ms since 1970
);

-- Rate limits of messages in use, shared by the processes: buckets that fill evenly (GCRA, src/lib/concurrency/gcra.ts). Logged:
-- a limit of messages per day holds after a crash too. A row whose time has passed says as much as none.
create table rate_limits (
  limit_id    text collate "C"  primary key,  -- a window of a limit; users by hash
  taken_until double precision not null       -- ms since 1970, by the clock of the database
) with (fillfactor = 50);

-- Issuers of JSON Web Tokens whose customers a tenant trusts.
create table issuers (
  tenant_id  text collate "C" not null references tenants,
  issuer     text collate "C" not null,  -- the claim "iss"
  jwks_url   text,                       -- null: public_keys
  public_keys json,                      -- a JWK set
  audiences  text[]           not null,
  algorithms text[]           not null,
  user_claim text             not null default 'sub',
  revision   bigint           not null default 1,
  created_at timestamptz(3)   not null default now(),
  updated_at timestamptz(3)   not null default now(),
  primary key (tenant_id, issuer),
  constraint issuers_one_source_of_keys check ((jwks_url is null) <> (public_keys is null))
);
-- A token names its issuer, not its tenant.
create index issuers_issuer on issuers (issuer, created_at);

-- Key pairs with which Tidings signs the tokens that it issues for users (POST /users/{id}/tokens).
create table signing_keys (
  tenant_id  text collate "C" not null references tenants,
  key_id     text collate "C" not null,
  public_key json             not null,  -- JWK
  sealed     bytea            not null,  -- the private key, as JWK
  created_at timestamptz(3)   not null default now(),
  retired_at timestamptz(3),             -- signs no more, still verifies
  primary key (tenant_id, key_id)
);

-- Accounts of a tenant with providers. For a channel without one, that of the installation is used.
create table provider_accounts (
  tenant_id    text collate "C" not null references tenants,
  account      text collate "C" not null,
  provider     text             not null,  -- as in src/channels/registry.ts
  channels     text[]           not null,  -- those of the provider that it is used for
  settings     json             not null,  -- without the secrets
  sealed       bytea,                      -- the secrets, as a document; null: no secrets
  secrets      text[]           not null default '{}',  -- names of the secrets that are set
  limits       json,                       -- RateLimit of src/model/rate-limit.ts; null: that of the provider
  enabled      boolean          not null default true,
  failover_to  text collate "C",           -- the account that its messages go by until that is undone; null: they go by it
  place        integer          not null check (place >= 1),  -- order of choice
  operation_id uuid             not null,  -- the request that created it: a repetition finds it
  revision     bigint           not null default 1,
  created_at   timestamptz(3)   not null default now(),
  updated_at   timestamptz(3)   not null default now(),
  primary key (tenant_id, account),
  constraint provider_accounts_channels check (cardinality(channels) > 0),
  constraint provider_accounts_sealed check ((sealed is null) = (secrets = '{}'))
);

-- Accounts from which messages of a route are moved away, because they fail. A route is moved once in some minutes only, so its
-- latest move stays.
create table route_moves (
  tenant_id text collate "C" not null references tenants,
  channel   text collate "C" not null,
  account   text collate "C" not null,  -- as in routes
  share     smallint         not null constraint route_moves_share check (share between 1 and 100),  -- percent of its messages that it keeps
  since     timestamptz(3)   not null,  -- when it was first moved away from
  moved_at  timestamptz(3)   not null,
  cause     text             not null,
  primary key (tenant_id, channel, account)
);

-- Members: those with access to a tenant. A member who was invited by address has no subject until the first login.
create table members (
  tenant_id  text collate "C" not null references tenants,
  member_id  uuid             not null,
  issuer     text collate "C",           -- of the login; null: local, or not logged in yet
  subject    text collate "C",
  email_hash text collate "C",           -- keyed hash of the address that the invitation named
  email_mask text,
  name       text             not null,
  role       text             not null constraint members_role_known
    check (role in ('owner', 'editor', 'operator', 'support', 'viewer')),
  added_by   json             not null,  -- Actor of src/model/principal.ts
  added_at   timestamptz(3)   not null default now(),
  last_login_at timestamptz(3),
  operation_id uuid,                     -- the request that added it: a repetition is no conflict
  primary key (tenant_id, member_id)
);
create unique index members_subject on members (issuer, subject, tenant_id) where subject is not null;
create index members_email on members (email_hash) where subject is null;

-- Logins of members to the console. The cookie holds the id; the table only its hash.
create table sessions (
  session_hash bytea          primary key,
  issuer       text collate "C" not null,
  subject      text collate "C" not null,
  name         text           not null,
  created_at   timestamptz(3) not null default now(),
  seen_at      timestamptz(3) not null default now(),  -- written at most once a minute
  expires_at   timestamptz(3) not null
);
create index sessions_expired on sessions (expires_at);

-- Logins under way, and one-time links of owners and of the webhook portal: each is used once.
create table login_attempts (
  state_hash bytea          primary key,
  sealed     bytea,                       -- nonce, code verifier and where to go afterwards; null: a one-time link
  member     json,                        -- of a one-time link: issuer, subject and name of the member
  expires_at timestamptz(3) not null
);
create index login_attempts_expired on login_attempts (expires_at);

-- First responses to requests with an Idempotency-Key. Written before the work begins, completed after it.
create table idempotency_keys (
  tenant_id    text collate "C" not null,
  actor        text collate "C" not null,  -- kind and id: the same key of another caller is another key
  route        text collate "C" not null,
  key          text collate "C" not null,
  fingerprint  bytea            not null,  -- keyed hash of path, query and body
  fence        integer          not null default 0,  -- grows when a request takes over one that was cut off
  locked_until timestamptz(3),             -- the first request is under way; null: complete
  status       smallint,
  sealed       bytea,                      -- headers and body of the response
  expires_at   timestamptz(3)   not null,
  primary key (tenant_id, actor, route, key)
);
create index idempotency_keys_expired on idempotency_keys (expires_at);


------------------------------------------------------------------------------------------------------------------------
-- Catalogs

-- Contents of catalog versions. Tenants that follow another one share its contents.
create table catalog_contents (
  content_hash text  primary key,
  content      jsonb not null            -- the parsed catalog
);

-- Texts of the files that catalogs were made from, by the hash of all, so that they can be edited as they were written.
create table catalog_files (
  files_hash text primary key,
  files      json not null               -- path inside the folder of the catalog to text
);

-- Every catalog version that a tenant has applied. Rows are immutable, but for files that say the same in other words; versions
-- count from 1.
create table catalogs (
  tenant_id    text collate "C" not null,
  version      integer          not null constraint catalogs_version_positive check (version > 0),
  content_hash text             not null references catalog_contents,
  files_hash   text             references catalog_files,  -- null: no files were given, or more than are kept
  applied_at   timestamptz      not null,
  applied_by   text             not null,
  primary key (tenant_id, version)
);

-- The versions of a tenant that have a content; see "Row-level security".
create index catalogs_content on catalogs (tenant_id, content_hash);
create index catalogs_files on catalogs (tenant_id, files_hash);

-- The active version of each tenant. Every batch reads it inside its transaction, so that no batch runs under two versions.
-- What else is on the row is found by triggers, see "Receivers of facts": transactions that read the version know it for nothing.
create table active_catalogs (
  tenant_id      text collate "C" primary key,
  version        integer not null,
  release        json,    -- the release under way (ReleaseUnderWay of src/model/release.ts); null: none
  rule_facts     text[],  -- facts of Tidings itself that the text of the version, or of the released one, names; null: none
  heard_types    text[],  -- types of facts that endpoints of webhooks subscribe to; null: none
  heard_outcomes text[],  -- outcomes of notifications that endpoints or sinks receive; null: none
  sinks          jsonb,   -- those of the version (MessageSink of src/model/sink.ts); null: none, or a test tenant
  written_topics text[],  -- topics of its sinks, and for dead letters of its sources; null: none
  open_topics    text[],  -- those of them that messages are recorded for: allowed, and with room (src/sinks/topic-keeper.ts)
  open_until     timestamptz(3),  -- without a process that writes to Kafka, nothing is recorded from then on
  topics_due_at  timestamptz(3),  -- when a process looks next at which of its topics are open; null: never
  has_terms      boolean not null default false,  -- users have terms: claims look at them
  erased_until   timestamptz(3),  -- the latest erasure of a user; null: none
  has_merges     boolean not null default false,  -- users were merged: events of their old ids go to those they are now
  is_moving      boolean not null default false,  -- the tenant moves to another installation: nothing is decided here
  foreign key (tenant_id, version) references catalogs
);
-- Tenants whose topics are opened and closed.
create index active_catalogs_writing on active_catalogs (tenant_id) where written_topics is not null;
create index active_catalogs_topics_due on active_catalogs (topics_due_at) where topics_due_at is not null;

-- Releases: a catalog version that decides about a share of the users, beside the version before. The one that is under way stands on
-- the row of active_catalogs as well, which transactions read. Its users are found by a hash of release and user
-- (src/store/releases/active-version.ts).
--
--   scheduled ──at starts_at──▶ watching ──by command, or at finish_at──────▶ finished     (its version is the active one)
--      │  │                          └───────by command, or by its watch──────▶ rolled_back  (the version before goes on alone)
--      │  └──another version is active by then──▶ failed
--      └──by command──▶ cancelled
create table releases (
  tenant_id    text collate "C" not null,
  release_id   uuid             not null,  -- UUIDv7
  operation_id uuid             not null,  -- of the request that started it: a repetition finds it
  from_version integer          not null,
  to_version   integer          not null,
  state        text             not null constraint releases_state_known
    check (state in ('scheduled', 'watching', 'finished', 'rolled_back', 'cancelled', 'failed')),
  share        integer          not null constraint releases_share_in_range check (share between 1 and 10000),  -- users of 10,000
  steps        json             not null,  -- the shares so far, in order of time: ReleaseStep[] of src/model/release.ts
  note         text,
  watch        json,                       -- ReleaseWatch; null: it is not watched
  finish_at    timestamptz(3),             -- it finishes by itself; null: by command
  starts_at    timestamptz(3),             -- when it begins, or was to begin, by itself; null: it began by command
  started_at   timestamptz(3),             -- null: it has not begun
  started_by   json             not null,  -- Actor of src/model/principal.ts: who asked for it
  checked_at   timestamptz(3)   not null,  -- a worker looked at it, or is about to
  ended_at     timestamptz(3),
  ended_by     json,                       -- Actor
  end_reason   text,
  comparison   json,                       -- both versions as they were compared when it ended
  primary key (tenant_id, release_id),
  foreign key (tenant_id, from_version) references catalogs,
  foreign key (tenant_id, to_version) references catalogs,
  constraint releases_other_version check (from_version <> to_version),
  constraint releases_ended_at_set_when_ended check ((state in ('scheduled', 'watching')) = (ended_at is null)),
  constraint releases_started_at_set_when_begun
    check ((state in ('watching', 'finished', 'rolled_back')) = (started_at is not null))
);
create unique index releases_operation on releases (tenant_id, operation_id);
create unique index releases_under_way on releases (tenant_id) where state = 'watching';
-- One is scheduled at most. Those that are to begin, over all tenants.
create unique index releases_scheduled on releases (tenant_id) where state = 'scheduled';
create index releases_starting on releases (starts_at) where state = 'scheduled' and starts_at > '-infinity';
-- The queue of the watch, over all tenants.
create index releases_checked on releases (checked_at) where state = 'watching' and checked_at > '-infinity';


-- Templates that were made over the API. Which version is active, the active catalog says: an activation applies a catalog version
-- that has it.
create table templates (
  tenant_id         text collate "C" not null references tenants,
  template_id       uuid             not null,
  name              text collate "C" not null,
  notification_type text collate "C" not null,
  channel           text collate "C" not null,
  locale            text collate "C" not null,
  variant           text collate "C",           -- null: none
  origin_id         uuid,                       -- of a localization: the template that it translates
  archived_at       timestamptz(3),
  created_at        timestamptz(3)   not null,
  primary key (tenant_id, template_id)
);
create unique index templates_name on templates (tenant_id, name, locale);

-- Versions of templates. One that was active once is immutable; the last one may be a draft.
create table template_versions (
  tenant_id    text collate "C" not null,
  template_id  uuid             not null,
  version      integer          not null constraint template_versions_version_positive check (version > 0),
  parts        json             not null,  -- as they were posted; those with a structure are text
  variables    json,                       -- Variables of src/model/catalog.ts; null: none
  revision     bigint           not null default 1,  -- grows with each change of the draft, for If-Match
  created_by   json             not null,  -- Actor of src/model/principal.ts
  created_at   timestamptz(3)   not null,
  updated_at   timestamptz(3)   not null,
  activated_at timestamptz(3),             -- the first time; null: a draft
  primary key (tenant_id, template_id, version),
  foreign key (tenant_id, template_id) references templates on delete cascade
);

-- Activations of the versions, append-only. A roll-back is one row more.
create table template_activations (
  tenant_id       text collate "C" not null,
  activation_id   uuid             not null,  -- UUIDv7
  template_id     uuid             not null,
  kind            text             not null constraint template_activations_kind_known
    check (kind in ('activated', 'rolled_back', 'archived')),
  version         integer,                    -- null: none was active afterwards
  catalog_version integer          not null,
  by              json             not null,  -- Actor
  at              timestamptz(3)   not null,
  primary key (tenant_id, activation_id),
  foreign key (tenant_id, template_id) references templates on delete cascade
);
create index template_activations_template on template_activations (tenant_id, template_id, activation_id);

-- Tests of variants. The shares of one never change: other shares are another test.
create table template_tests (
  tenant_id         text collate "C" not null references tenants,
  test_id           uuid             not null,
  notification_type text collate "C" not null,
  channel           text collate "C" not null,
  shares            json             not null,  -- percentage by variant
  metric            text             not null constraint template_tests_metric_known
    check (metric in ('delivered', 'opened', 'clicked', 'goal')),
  goal_event        text collate "C",           -- an event type; null: the test has no goal
  goal_within_ms    bigint,
  planned_users     integer          not null constraint template_tests_planned_positive check (planned_users > 0),
  started_at        timestamptz(3)   not null,
  ended_at          timestamptz(3),             -- null: it is under way
  primary key (tenant_id, test_id),
  constraint template_tests_goal check ((goal_event is null) = (goal_within_ms is null) and (metric <> 'goal' or goal_event is not null))
);
create unique index template_tests_running on template_tests (tenant_id, notification_type, channel) where ended_at is null;
create index template_tests_place on template_tests (tenant_id, notification_type, channel, started_at);


------------------------------------------------------------------------------------------------------------------------
-- Events

-- Accepted events, append-only. The decisions made when an event arrived are stored on its row: one insert, one commit.
create table events (
  tenant_id       text collate "C" not null,
  user_id         text collate "C" not null,
  event_time      timestamptz(3)   not null,  -- when it happened, as the caller says
  key             uuid             not null,  -- identity: a hash of the caller's event_id, or else of the content
  event_type      text collate "C" not null,
  event_id        text collate "C",           -- the caller's id; null: the caller gave none, and the key is the id
  received_at     timestamptz(3)   not null,
  properties      json             not null,
  traits          json             not null,  -- addresses only as masks
  context         json,                       -- further fields of the caller's envelope
  correlation_id  text collate "C",           -- of the context, to be searched; addresses masked
  sealed          bytea,                      -- originals of properties, traits and context
  excerpt         json,                       -- of a large content: its small values, which look-ups read in its place
  catalog_version integer          not null,  -- the version that decided
  has_fired        boolean,                   -- a decision sent, acted or started a wait; null: no decision did
  has_trait_change boolean,                   -- a decision has evidence of a trait change; null: no decision has
  has_held         boolean,                   -- a decision kept something from being sent; null: no decision did
  decisions       json             not null,  -- packed as in src/store/decisions.ts
  primary key (tenant_id, user_id, event_time, key) include (event_type)
) partition by range (event_time);
create table events_default partition of events default;

-- For lists of the latest events. Rows arrive in this order, so a few bytes per range of blocks are enough.
create index events_received on events using brin (received_at) with (pages_per_range = 16, autosummarize = on);

-- The events of a correlation id. An event without one has no entry.
create index events_correlation on events (tenant_id, correlation_id, received_at, key) where correlation_id is not null;

-- The events whose decisions held something back, for the users that a reason held back. Written at its end, and for these events alone.
create index events_held on events (tenant_id, received_at, key) where has_held;

-- The event ids that callers gave: a repeated id must be detected also after the partition of its event was dropped. Events
-- without an id need no row here: the same content has the same event time, partition and key. How long a row is kept, here and
-- in the other tables, is in src/model/retention-policy.ts.
create table event_ids (
  tenant_id    text collate "C" not null,
  key          uuid             not null,
  content_hash uuid             not null,  -- another content under the same id is a conflict
  user_id      text collate "C" not null,
  event_time   timestamptz(3)   not null,
  received_at  timestamptz(3)   not null default now(),  -- by the clock of the database
  primary key (tenant_id, key)
);

-- The quarantine: items that were rejected. The item is sealed whole, because it may hold addresses in any place.
create table rejected_events (
  tenant_id   text collate "C" not null,
  rejected_id uuid             not null,  -- a hash of the content: the same item rejected again increments "times"
  event_id    text,
  event_type  text,                       -- as in the preview; null: it is not a text
  code        text             not null,  -- reason code, see docs/errors.md
  path        text             not null,  -- the field that is wrong
  message     text             not null,
  preview     json             not null,  -- the item, with addresses masked
  sealed      bytea            not null,  -- the item, encrypted under the key key_id
  key_id      text             not null,
  times       integer          not null default 1,
  first_at    timestamptz(3)   not null,
  last_at     timestamptz(3)   not null,
  user_hash   text collate "C",           -- keyed hash of its user id, if it has one: support searches by user
  source      text,                       -- the source of sources.yaml that brought it; null: it was posted
  position    json,                       -- topic, partition and offset of its record; null: it was posted
  primary key (tenant_id, rejected_id)
);

-- The list, newest first.
create index rejected_events_last on rejected_events (tenant_id, last_at, rejected_id);
-- That of a source.
create index rejected_events_source on rejected_events (tenant_id, source, last_at, rejected_id) where source is not null;
-- The list of one user.
create index rejected_events_user on rejected_events (tenant_id, user_hash, last_at) where user_hash is not null;


------------------------------------------------------------------------------------------------------------------------
-- Users

-- The merged profile of each user.
create table users (
  tenant_id      text collate "C" not null,
  user_id        text collate "C" not null,
  traits         json             not null,
  trait_times    json             not null,  -- trait -> event time (ms) of its value: an older event does not replace it
  address_hashes json             not null,  -- kind -> keyed hash of the current address, to detect a change without opening it
  first_seen_at  timestamptz(3)   not null,
  updated_at     timestamptz(3)   not null,
  zone           text collate "C",           -- the trait time_zone, if it is a known zone
  name           text collate "C",           -- of the traits, in small letters, to be searched; null: none
  -- The last word of a name that has several, to be searched. (Under row-level security no index on an expression would serve.)
  last_name      text collate "C" generated always as (case when name like '% %' then substring(name from '[^ ]+$') end) stored,
  sealed         bytea,                      -- originals of traits and trait_times
  terms          json,                       -- what the user has said about their messages (src/model/terms.ts); null: nothing
  primary key (tenant_id, user_id)
) with (fillfactor = 70);  -- room for updates on the same page

-- The users of a time zone, for scheduled rules in local time.
create index users_zone on users (tenant_id, zone, user_id);
-- Whether a tenant has users with terms.
create index users_terms on users (tenant_id, user_id) where terms is not null;
-- Users by the start of their name.
create index users_name on users (tenant_id, name, user_id) where name is not null;
-- Users by the start of the last word of their name.
create index users_last_name on users (tenant_id, last_name, user_id) where last_name is not null;

-- The current addresses of users. Of those of a kind the one in place 0 receives; if it goes, the next moves up. The address
-- of the traits replaces the earlier one; those that were added by a request stay.
create table addresses (
  tenant_id  text collate "C" not null,
  user_id    text collate "C" not null,
  kind       text             not null constraint addresses_kind_known check (kind in ('email', 'phone')),
  place      smallint         not null default 0,  -- by which no index but that of the key is written for the usual one address
  is_trait   boolean          not null default true,
  added_at   timestamptz(3),             -- when a request added it; null: none did, it is in the traits alone
  sealed     bytea            not null,  -- AES-256-GCM under the key key_id, bound to tenant, user and kind
  key_id     text             not null,
  hash       text collate "C" not null,  -- keyed, for equality
  mask       text             not null,  -- as it is shown
  updated_at timestamptz(3)   not null,
  primary key (tenant_id, user_id, kind, place),
  constraint addresses_place_bounded check (place between 0 and 20),  -- MAX_ADDED_ADDRESSES beside that of the traits
  constraint addresses_from_somewhere check (is_trait or added_at is not null)
);

-- No address stands beside itself.
create unique index addresses_others on addresses (tenant_id, user_id, kind, hash) where place > 0;
-- Users by address.
create index addresses_hash on addresses (tenant_id, hash, user_id) where hash > '';

-- Codes that were sent to addresses of users, and when the user proved to read them. By the keyed hash, and not on the row of the
-- address: it is known again when the address is added again, and events write addresses as before.
create table address_verifications (
  tenant_id   text collate "C" not null,
  user_id     text collate "C" not null,
  kind        text             not null constraint address_verifications_kind_known check (kind in ('email', 'phone')),
  hash        text collate "C" not null,  -- of the address, as in "addresses"
  code_hash   text,                       -- keyed, of the latest code; null: it was used
  tries       smallint         not null default 0,  -- of this code
  sent_at     timestamptz(3),
  expires_at  timestamptz(3),
  day_from    timestamptz(3),             -- since when "codes" are counted
  codes       smallint         not null default 0,
  verified_at timestamptz(3),             -- null: never
  method      text             constraint address_verifications_method_known check (method in ('code')),
  primary key (tenant_id, user_id, kind, hash),
  constraint address_verifications_method_of_verified check ((verified_at is null) = (method is null))
);

-- Devices and browsers that push messages go to. A token belongs to one user at a time: for another user it is a new row, and the
-- earlier one is retired, so that what is queued for it does not reach the other user.
create table devices (
  tenant_id     text collate "C" not null,
  device_id     uuid             not null,  -- UUIDv7
  user_id       text collate "C" not null,
  platform      text             not null constraint devices_platform_known check (platform in ('ios', 'android', 'web')),
  service       text             not null constraint devices_service_known check (service in ('apns', 'fcm', 'web_push')),
  app           text collate "C" not null,
  environment   text             constraint devices_environment_known check (environment in ('sandbox', 'production')),
  sealed        bytea            not null,  -- the token, or endpoint and keys of a browser
  hash          text collate "C" not null,  -- keyed, of the token or endpoint, for equality
  mask          text             not null,  -- as it is shown
  registered_at timestamptz(3)   not null,
  seen_at       timestamptz(3)   not null,  -- when the app last registered it
  retired_at    timestamptz(3),             -- nothing is sent to it from then on
  retired_code  text,                       -- moved, removed, or the code of the provider
  retired_by    text,                       -- the account whose provider said so
  primary key (tenant_id, device_id),
  constraint devices_retired_has_code check ((retired_at is null) = (retired_code is null))
);
create unique index devices_token on devices (tenant_id, app, hash) where retired_at is null;
create index devices_user on devices (tenant_id, user_id, seen_at);

-- Ids of users that were merged into others. Later events of the id go to the survivor, who is never on the left: a survivor that is
-- merged itself takes these rows along.
create table merged_users (
  tenant_id   text collate "C" not null,
  user_id     text collate "C" not null,
  merged_into text collate "C" not null,
  merged_at   timestamptz(3)   not null,
  primary key (tenant_id, user_id),
  constraint merged_users_into_another check (user_id <> merged_into)
);
create index merged_users_into on merged_users (tenant_id, merged_into);

-- Users that were erased. The row stays, so that events from before are rejected; it knows the user only by a keyed hash, once
-- the job has deleted everything (src/store/erasure/).
create table erasures (
  tenant_id      text collate "C" not null,
  user_hash      text collate "C" not null,
  erasure_id     uuid             not null,  -- UUIDv7
  erased_at      timestamptz(3)   not null,  -- events from then on make the user anew
  until          uuid             not null,  -- what belongs to a notification with a greater id is newer
  user_id        text collate "C",           -- null: erased
  address_hashes text[],                     -- of the user; null: erased
  wait_until     timestamptz(3),             -- messages under way have ended by then; null: no message was
  job_id         uuid             not null,
  actor          json             not null,  -- Actor of src/model/principal.ts
  counts         json             not null default '{}',  -- rows deleted, by table
  finished_at    timestamptz(3),
  primary key (tenant_id, user_hash),
  constraint erasures_user_until_finished check ((user_id is null) = (finished_at is not null))
);
create unique index erasures_id on erasures (tenant_id, erasure_id);
-- Erasures that are under way, which batches look at.
create index erasures_open on erasures (tenant_id) where finished_at is null;

-- The inbox of in-app messages of each user.
create table inbox_items (
  tenant_id         text collate "C" not null,
  user_id           text collate "C" not null,
  notification_id   uuid             not null,
  sequence          bigint           not null,  -- in order of arrival in the inbox of the user
  change            bigint           not null,  -- number of the latest change of the item, from the same counter
  notification_type text collate "C" not null,
  sealed            bytea            not null,  -- the message
  created_at        timestamptz(3)   not null,
  seen_at           timestamptz(3),             -- was on the screen
  read_at           timestamptz(3),
  archived_at       timestamptz(3),
  snoozed_until     timestamptz(3),             -- left out of the list until then
  expires_at        timestamptz(3),             -- left out of the list from then on
  primary key (tenant_id, user_id, notification_id)
);
create index inbox_items_list on inbox_items (tenant_id, user_id, sequence);
create index inbox_items_changed on inbox_items (tenant_id, user_id, change);
create index inbox_items_open on inbox_items (tenant_id, user_id, sequence)
  where archived_at is null and (read_at is null or seen_at is null);
-- Items that leave or join the list by themselves.
create index inbox_items_timed on inbox_items (tenant_id, user_id)
  where archived_at is null and (snoozed_until is not null or expires_at is not null);

-- The counter of each inbox. A change of an inbox holds this row until the commit: numbers become visible in order.
create table inboxes (
  tenant_id text collate "C" not null,
  user_id   text collate "C" not null,
  last      bigint           not null,
  marked    bigint           not null default 0,  -- number of the latest change of all items at once
  primary key (tenant_id, user_id)
);

-- The sends that count towards a limit ("once", "2 per day"). The primary key enforces the limit: a second "once" cannot be
-- inserted. Rows outlive the partitions of the events.
create table limit_uses (
  tenant_id       text collate "C" not null,
  user_id         text collate "C" not null,
  limit_key       text collate "C" not null,  -- rule and period, not the maximum
  bucket          text collate "C" not null,  -- 'ever', a calendar date, or for a rolling period the event time
  slot            smallint         not null constraint limit_uses_slot_positive check (slot > 0),  -- 1 to maximum
  event_time      timestamptz(3)   not null,
  event_id        text             not null,
  notification_id uuid             not null,
  primary key (tenant_id, user_id, limit_key, bucket, slot)
);


------------------------------------------------------------------------------------------------------------------------
-- Rules that wait, and scheduled rules

-- A rule that waits for a user and key. Whatever ends a wait commits in one transaction with its end.
--
--   (a trigger) ──▶ waiting ──when due───────────────────────────▶ fired      (its decisions are on this row)
--                    │   ▲ │
--                    │   └─┘ a later trigger moves it: due_at, trigger_time, state
--                    ├──by an event, a rule or a later trigger───▶ cancelled  (the decision is on that event)
--                    └──by command───────────────────────────────▶ cancelled  (decisions: catalog_changed)
--
-- A wait that cannot be fired stays waiting: it is tried again at retry_at, and after some failures set aside, out of the
-- queue, until a command tries it again or ends it. An event ends or moves it as any other.
--
-- An occurrence of a scheduled rule is inserted as fired: its id says that the rule has fired for the user.
create table waits (
  tenant_id       text collate "C" not null,
  user_id         text collate "C" not null,
  wait_id         uuid             not null,  -- a hash of rule, user and trigger
  rule            text collate "C" not null,
  key             text collate "C" not null,  -- value of the rule's key, an address as mask and keyed hash; empty without one
  kind            text             not null constraint waits_kind_known
    check (kind in ('delay', 'at', 'unless', 'debounce', 'digest', 'every')),
  catalog_version integer          not null,  -- the version it started with, and ends by
  ended_version   integer,                    -- the version that decided about the user when it was due; null: the same
  status          text             not null constraint waits_status_known check (status in ('waiting', 'fired', 'cancelled')),
  trigger_time    timestamptz(3)   not null,
  due_at          timestamptz(3)   not null,
  began_at        timestamptz(3)   not null,
  ended_at        timestamptz(3),
  state           json             not null,  -- WaitState of src/rules/facts.ts
  sealed          bytea,                      -- originals of the contents of its events
  decisions       json,                       -- of its end, packed as in src/store/decisions.ts
  has_held        boolean,                    -- one of them kept something from being sent; null: none did
  claimed_until   timestamptz(3),             -- a worker is about to fire it; once past, any worker may claim it
  attempts        smallint         not null default 0,  -- failed attempts to fire it, since it began, was changed or retried
  failure         text,                       -- of the last of them, without addresses
  retry_at        timestamptz(3),             -- not fired before
  set_aside_at    timestamptz(3),             -- not fired until a command retries it
  primary key (tenant_id, user_id, wait_id),
  constraint waits_ended_at_set_when_ended check ((status = 'waiting') = (ended_at is null)),
  constraint waits_decisions_only_when_ended check (status <> 'waiting' or decisions is null),
  constraint waits_claimed_only_while_waiting check (status = 'waiting' or claimed_until is null),
  constraint waits_set_aside_only_while_waiting check (status = 'waiting' or set_aside_at is null)
) with (
  fillfactor = 70,                          -- room for updates on the same page
  autovacuum_vacuum_scale_factor = 0.05     -- the queue's index must not fill with ended waits
);

-- The queue, over all tenants.
create index waits_due on waits (due_at) where status = 'waiting' and due_at > '-infinity' and set_aside_at is null;
-- The same by tenant, read while more is due than the workers take.
create index waits_lanes on waits (tenant_id, due_at)
  where status = 'waiting' and trigger_time > '-infinity' and set_aside_at is null;
-- Waits that are set aside, for the health check and for commands.
create index waits_set_aside on waits (tenant_id, user_id, wait_id) where set_aside_at is not null;
-- The waits of a user; also, without reading rows, the users who wait in a rule.
create index waits_open on waits (tenant_id, user_id, due_at) include (rule) where status = 'waiting';
-- The latest ended wait of a user, rule and key.
create index waits_latest on waits (tenant_id, user_id, rule, key, trigger_time desc) where status <> 'waiting';
-- Waits by the key of their rule, such as the number of a booking. A wait without one has no entry.
create index waits_key on waits (tenant_id, key, began_at) where key <> '';
-- The list, newest first. Only ever written at its end.
create index waits_began on waits (tenant_id, began_at, wait_id) where began_at > '-infinity';

-- The waits of each rule, those due first.
create index waits_rule on waits (tenant_id, rule, due_at) where status = 'waiting' and catalog_version > 0;
-- Waits at whose end something was held back, as events_held.
create index waits_held on waits (tenant_id, ended_at, wait_id) where has_held;

-- Scheduled direct sends, by the id that the notification will have.
create index waits_direct on waits (tenant_id, wait_id) where rule = '@direct';

-- A wait ends once. A transaction that finds it ended has decided on outdated facts: the error makes it run again. Only the
-- rotation of the encryption key changes an ended wait: it seals the same originals again.
create function reject_ended_wait() returns trigger language plpgsql as $$
begin
  raise exception 'wait % has ended already', old.wait_id using errcode = 'serialization_failure';
end $$;
create trigger waits_end_once before update on waits
  for each row when (old.status <> 'waiting' and not (
    new.sealed is distinct from old.sealed and new.status = old.status and new.ended_at = old.ended_at and new.due_at = old.due_at
    and new.state::text = old.state::text and new.decisions::text is not distinct from old.decisions::text))
  execute function reject_ended_wait();

-- When a scheduled rule fires next: one row for each zone of its users, or a single row if the rule names its zone.
-- While an occurrence is under way, next_at is its time and "cursor" the last user that it has fired for.
create table schedules (
  tenant_id     text collate "C" not null,
  rule          text collate "C" not null,
  zone          text collate "C" not null,
  cron          text             not null,  -- five fields
  next_at       timestamptz(3)   not null,
  cursor        text collate "C",           -- null: the occurrence has not started
  claimed_until timestamptz(3),             -- a worker is firing it; once past, any worker may claim it
  -- During a release, a rule may have one pattern for some users and another one for the others.
  primary key (tenant_id, rule, zone, cron)
);

-- The queue, over all tenants.
create index schedules_due on schedules (next_at);
-- The same by tenant, read while several are due.
create index schedules_lanes on schedules (tenant_id, next_at) where next_at > '-infinity';


------------------------------------------------------------------------------------------------------------------------
-- Notifications and deliveries

-- A message to a user, decided by a rule, on one or more channels.
-- Order of what endpoints of webhooks receive about a user; drawn for nothing else. It starts at the microseconds since 1970, so that a tenant that moves to a newer database goes on with higher numbers.
create sequence webhook_sequence;
select setval('webhook_sequence', (extract(epoch from clock_timestamp()) * 1000000)::bigint);
-- With the rights of the owner: the API login records suppressions for endpoints, and has no rights on sequences.
create function next_webhook_sequence() returns bigint language sql volatile security definer set search_path from current as $$
select nextval('webhook_sequence')
$$;

create table notifications (
  tenant_id         text collate "C" not null,
  user_id           text collate "C" not null,
  notification_id   uuid             not null,  -- UUIDv7
  notification_type text collate "C" not null,
  category          text             not null,
  rule              text             not null,
  decision_id       text             not null,
  event_id          text             not null,  -- the event that triggered the rule
  catalog_version   integer          not null,  -- the version that decided
  data              json             not null,  -- for its templates
  sealed            bytea,                      -- original of data
  correlation_id    text collate "C",           -- of the event that triggered it, as in "events"
  created_at        timestamptz(3)   not null,
  sequence          bigint,                     -- webhook_sequence; null: it goes to no endpoint
  cancelled_at      timestamptz(3),             -- no claim sends it from then on; null: it was not cancelled
  goal_at           timestamptz(3),             -- time of the event that brought it to its goal; null: none did
  primary key (tenant_id, user_id, notification_id)
) partition by range (notification_id);
create table notifications_default partition of notifications default;

-- The notifications of a correlation id, also those of waits. A notification without one has no entry.
create index notifications_correlation on notifications (tenant_id, correlation_id, created_at, notification_id)
  where correlation_id is not null;

-- A notification on one channel. The table is its own queue.
--
--   queued ──claim──▶ sending ──▶ sent            (the provider accepted it)
--     ▲                 │   ├────▶ sandboxed       (kept here, went nowhere)
--     │                 │   ├────▶ undeliverable   (the user has no address)
--     │                 │   ├────▶ dropped         (the plan at the claim said no)
--     ├──retry, rescue──┤   ├────▶ dead            (rejected, or retries exhausted)
--     │                 │   └────▶ in_doubt        (it may have been sent, and the type says hold)
--     ├──operator retry─┴─── undeliverable, dead, in_doubt
--     ├──address known────── undeliverable
--     └──operator cancel───▶ cancelled  ◀── undeliverable, dead, in_doubt, dropped (dead letters)
--
-- A delivery has two row versions after its insert: claimed, and settled. No index names a column that a claim changes, so
-- that the claimed version stays on its page and the indexes as they are (HOT). The attempt that succeeded, the only one of
-- most deliveries, is stored on the delivery itself: started_at, duration_ms, response. All others are rows of "attempts".
-- Lane of a delivery: a claim takes from each lane that has work. A tenant, and for webhooks each of its endpoints.
create function delivery_lane(tenant_id text, channel text, target text) returns text language sql immutable parallel safe as $$
select case channel when 'webhook' then tenant_id || '/' || target else tenant_id end
$$;

-- Group of a dead letter: those that ended for the same reason, whose fault is recipient, message, account, provider or us.
-- Null: no fault, so no dead letter. A missing part and '' are the same.
create function dead_letter_group(fault text, channel text, provider text, account text, reason_code text, code text)
returns text language sql immutable parallel safe as $$
select fault || E'\x1f' || channel || E'\x1f' || coalesce(provider, '') || E'\x1f' || coalesce(account, '') || E'\x1f' ||
       coalesce(reason_code, '') || E'\x1f' || left(translate(coalesce(code, ''), E'\x1f', ' '), 100)
$$;

create table deliveries (
  tenant_id           text collate "C" not null,
  notification_id     uuid             not null,
  channel             text collate "C" not null,
  target              text collate "C" not null default '',  -- a device or an endpoint; empty: the user's address, or none is needed
  user_id             text collate "C" not null,
  notification_type   text collate "C" not null,
  status              text             not null default 'queued' constraint deliveries_status_known
    check (status in ('queued', 'sending', 'sent', 'sandboxed', 'undeliverable', 'dropped', 'dead', 'in_doubt', 'cancelled')),
  priority            smallint         not null default 2 constraint deliveries_priority_known
    check (priority between 0 and 3),             -- 0 URGENT, 1 HIGH, 2 MEDIUM, 3 LOW
  step                smallint,                   -- place among channels tried one after the other, from 1; null: all are used
  hold_code           text,                       -- what it waits for until it is due, see docs/errors.md; null: its turn
  due_at              timestamptz(3)   not null,  -- when the next attempt may start
  retry_until         timestamptz(3)   not null,  -- no attempt is scheduled after this
  in_doubt_policy     text             not null constraint deliveries_in_doubt_policy_known
    check (in_doubt_policy in ('resend', 'hold')),
  attempts            integer          not null default 0,
  fence               integer          not null default 0,  -- grows with each claim: what an earlier claim reports no longer counts
  worker              text,                                 -- the lease of the latest claim
  claimed_at          timestamptz(3),
  send_started        boolean          not null default false,  -- the message of this claim may have reached the provider
  expires_at          timestamptz(3),             -- after this the message is of no use; null: it keeps its use
  provider            text,
  account             text,                       -- of the provider, that made the latest attempt
  account_fence       integer,                    -- the claim whose provider and account were written before its send; null: none
  provider_message_id text,
  reason_code         text,             -- why it is in this status, see docs/errors.md; null: new, sent or sandboxed
  reason              text,
  dead_letter         text collate "C",  -- its group, as dead_letter_group returns it; null: it is no dead letter
  created_at          timestamptz(3)   not null,
  finished_at         timestamptz(3),
  started_at          timestamptz(3),
  duration_ms         integer,
  response            text,             -- of the provider; shortened, addresses masked
  parts               smallint,         -- billed parts of the message (SMS); null: one
  receipt_state       text,             -- of a sent delivery, by its receipts (src/track/receipt-state.ts); null: none says anything yet
  receipt_flags       text[],           -- opened, clicked, read, unsubscribed, and what machines did; null: nothing
  choice              text,             -- why the attempt that sent it went by its account; null: there was no choice
  cost                numeric(12,6),    -- of the message, by the table of prices or as the provider said; null: not known
  currency            text,             -- of the cost, ISO 4217
  plan                json,             -- the verdict of the plan, where it is not the ordinary one (src/model/plan.ts)
  catalog_version     integer,          -- of its notification; null: it is about a fact, and not counted
  locale              text,             -- of the template of the latest attempt that rendered it
  variant             text,             -- of a test of variants, likewise
  primary key (tenant_id, notification_id, channel, target),
  constraint deliveries_held_only_while_queued check (hold_code is null or status = 'queued'),
  constraint deliveries_finished_at_set_when_final check ((status in ('queued', 'sending')) = (finished_at is null)),
  constraint deliveries_dead_letter_only_when_final check (dead_letter is null or finished_at is not null),
  constraint deliveries_worker_set_while_sending check (status <> 'sending' or worker is not null),
  constraint deliveries_attempt_only_when_sent check (status in ('sent', 'sandboxed') or started_at is null),
  constraint deliveries_attempt_has_duration check ((started_at is null) = (duration_ms is null))
) partition by range (notification_id);
-- Room on each page for the claimed and the settled version. The months get the same setting from
-- src/store/pg/partitions.ts.
create table deliveries_default partition of deliveries default with (fillfactor = 40);

-- The queue. It includes what is being sent, at its front; claims skip that, and there is never much of it.
create index deliveries_open on deliveries (channel, due_at) where finished_at is null;
-- The same by priority and lane, read while more is due than the workers can take.
create index deliveries_lanes on deliveries (channel, priority, delivery_lane(tenant_id, channel, target), due_at)
  where finished_at is null;
create index deliveries_held on deliveries (tenant_id, notification_id) where hold_code is not null;
-- Deliveries that the plan holds, or did when their turn came: when the terms of their user change, they are due.
create index deliveries_held_by_plan on deliveries (tenant_id, user_id)
  where hold_code in ('legal_hours', 'quiet_hours', 'rate_limited', 'paused', 'fallback');
-- Deliveries to an endpoint of webhooks.
create index deliveries_endpoint on deliveries (tenant_id, target, notification_id) where channel = 'webhook';
-- Deliveries that ended without being sent. (Not by status: an index that names the status would be written by each claim.)
create index deliveries_stopped on deliveries (tenant_id, notification_id) where finished_at is not null and started_at is null;
-- Dead letters, by group, the earliest failure first; and those over all tenants that are the fault of this installation.
-- Columns that a claim leaves as they are, and rows only of dead letters.
create index deliveries_dead_letters on deliveries (tenant_id, dead_letter, finished_at, notification_id, channel, target)
  where dead_letter is not null;
create index deliveries_our_fault on deliveries (finished_at) where split_part(dead_letter, E'\x1f', 1) = 'us';

-- Circuits that are not closed, shared by the processes: to an account, or to a domain by an account, nothing is sent until then,
-- and after it one probe. No row: closed.
create table circuits (
  circuit_id  text collate "C" primary key,  -- TENANT/ACCOUNT, or /PROVIDER@CHANNEL of the installation; then, of a domain, a space and it
  tenant_id   text collate "C",              -- null: an account of the installation
  account     text,                          -- null: as before
  provider    text             not null,
  domain      text,                          -- of recipients; null: the account itself
  code        text             not null constraint circuits_code_known check (code in ('failures', 'misconfigured', 'retry_after')),
  cause       text             not null,     -- the failure that opened it
  since       timestamptz(3)   not null,
  open_until  timestamptz(3)   not null,
  pause_ms    integer          not null,     -- of this opening; a probe that fails doubles it
  probe_by    text,                          -- the worker that probes it; null: none
  probe_until timestamptz(3),                -- after this another may probe it
  version     bigint           not null default 1  -- grows with each opening: who does not know it yet may not probe
);

-- When circuits of accounts were open, the latest openings of each; those of domains are not kept. Written by triggers, because
-- circuits close in many ways, also by the API login, which must not write here.
create table circuit_openings (
  opening_id bigint generated always as identity primary key,
  circuit_id text collate "C" not null,
  tenant_id  text collate "C",              -- as in circuits
  account    text collate "C",
  code       text             not null,
  cause      text             not null,
  opened_at  timestamptz(3)   not null,
  closed_at  timestamptz(3)                 -- null: it is open
);
create index circuit_openings_of_circuit on circuit_openings (circuit_id, opening_id);
create index circuit_openings_of_account on circuit_openings (tenant_id, account, opening_id);

create function note_circuit_opening() returns trigger language plpgsql security definer set search_path from current as $$
begin
  if tg_op = 'DELETE' then
    update circuit_openings set closed_at = clock_timestamp() where circuit_id = old.circuit_id and closed_at is null;
    return null;
  end if;
  insert into circuit_openings (circuit_id, tenant_id, account, code, cause, opened_at)
  values (new.circuit_id, new.tenant_id, new.account, new.code, new.cause, new.since);
  delete from circuit_openings where opening_id in (
    select opening_id from circuit_openings where circuit_id = new.circuit_id order by opening_id desc offset 20);
  return null;
end $$;
create trigger circuits_opened after insert on circuits
  for each row when (new.domain is null) execute function note_circuit_opening();
create trigger circuits_closed after delete on circuits
  for each row when (old.domain is null) execute function note_circuit_opening();

-- Leases of delivery workers. Deliveries in status 'sending' whose "worker" names the lease are reserved until lease_until,
-- which the worker's heartbeat extends: one row, however many deliveries. After that they are rescued, and the row deleted.
create table leases (
  worker      text collate "C" primary key,
  lease_until timestamptz(3)   not null
);

-- Calls to a provider, except those that succeeded: see deliveries.
create table attempts (
  tenant_id           text collate "C" not null,
  notification_id     uuid             not null,
  channel             text collate "C" not null,
  target              text collate "C" not null default '',
  attempt             integer          not null,  -- from 1
  provider            text             not null,
  account             text,
  worker              text             not null,
  started_at          timestamptz(3)   not null,
  duration_ms         integer          not null,
  outcome             text             not null constraint attempts_outcome_known
    check (outcome in ('sent', 'sandboxed', 'retry', 'rejected', 'address_dead', 'misconfigured', 'in_doubt', 'undeliverable')),
  code                text,                       -- of the provider
  reason              text,
  response            text,                       -- of the provider; shortened, addresses masked
  provider_message_id text,
  scope               text,                       -- of a failure: recipient, domain, message, account, provider; null: none
  choice              text,                       -- why it went by its account; null: there was no choice
  parts               smallint,
  cost                numeric(12,6),
  currency            text,
  primary key (tenant_id, notification_id, channel, target, attempt)
) partition by range (notification_id);
create table attempts_default partition of attempts default;

-- Every attempt, wherever it is stored. A function and not a view: it reads with the rights of its caller, also before
-- PostgreSQL 15, and the planner replaces a call by the query.
create function all_attempts() returns setof attempts language sql stable as $$
select tenant_id, notification_id, channel, target, attempt, provider, account, worker, started_at, duration_ms, outcome, code,
       reason, response, provider_message_id, scope, choice, parts, cost, currency
from attempts
union all
select tenant_id, notification_id, channel, target, attempts, provider, account, worker, started_at, duration_ms, status, null,
       null, response, provider_message_id, null, choice, parts, cost, currency
from deliveries where started_at is not null
$$;

-- Messages as they were sent, except by the no-op provider. Always sealed: a body may hold anything.
create table messages (
  tenant_id       text collate "C" not null,
  notification_id uuid             not null,
  channel         text collate "C" not null,
  target          text collate "C" not null default '',
  to_mask         text,                       -- mask of the address; null: the channel needs none
  sealed          bytea            not null,  -- subject, text and html
  rendered_at     timestamptz(3)   not null,
  locale          text,                       -- of the template; null: the user has no locale
  user_locale     text,
  template_id     uuid,                       -- a template of the API; null: one of the files of the catalog
  template_version integer,
  test_id         uuid,                       -- a test of variants; null: none
  variant         text,                       -- which the user was shown in it
  primary key (tenant_id, notification_id, channel, target)
) partition by range (notification_id);
create table messages_default partition of messages default;
-- The messages of a test. A message in no test has no entry.
create index messages_test on messages (tenant_id, test_id) where test_id is not null;

-- Reports of providers about messages. Each report once: a repetition has the same id.
create table receipts (
  tenant_id       text collate "C" not null,
  notification_id uuid             not null,
  channel         text collate "C" not null,
  target          text collate "C" not null default '',
  receipt_id      text collate "C" not null,  -- of the provider, or a hash
  provider        text             not null,
  account         text,                       -- null: that of the installation
  kind            text             not null,  -- RECEIPT_KINDS of src/model/receipt.ts
  at              timestamptz(3)   not null,
  received_at     timestamptz(3)   not null,
  code            text,                       -- of the provider
  enhanced_code   text,                       -- of RFC 3463
  is_permanent    boolean,
  is_machine      boolean,                    -- a machine, not the user, opened or clicked
  part            smallint,                   -- of the message, from 1; null: the whole
  cost            json,
  detail          json,                       -- as the provider said it, without addresses
  address_hash    text collate "C",           -- of the address that it is about; null: it says nothing of one
  primary key (tenant_id, notification_id, channel, target, receipt_id)
) partition by range (notification_id);
create table receipts_default partition of receipts default;
-- The soft bounces of an address, and what it received.
create index receipts_address on receipts (tenant_id, channel, address_hash, at) where address_hash is not null;

-- Messages whose provider reports on them: how a receipt finds its delivery.
create table provider_messages (
  tenant_id       text collate "C" not null,
  provider        text collate "C" not null,
  account         text collate "C" not null default '',  -- empty: that of the installation
  message_key     text collate "C" not null,  -- our reference, or the id that the provider gave
  notification_id uuid             not null,
  channel         text collate "C" not null,
  target          text collate "C" not null,
  address_hash    text collate "C",           -- of the address that it went to
  sent_at         timestamptz(3)   not null,
  check_at        timestamptz(3),             -- when it is asked for, or unconfirmed; null: a receipt came, or another row is checked
  asks_price      boolean          not null default false,  -- its receipt came: check_at is when its price is asked for; null: it was
  primary key (tenant_id, provider, account, message_key)
);
-- A receipt names its message, not its tenant.
create index provider_messages_key on provider_messages (message_key, provider, account);
-- The latest message to a number that writes to us.
create index provider_messages_address on provider_messages (address_hash, provider, account, sent_at)
  where address_hash is not null;
create index provider_messages_check on provider_messages (check_at) where check_at is not null;

-- Receipts that came before the message that they are about was recorded: looked at again until they are too old. The URL says the
-- tenant of the account that they came for, not that of the message.
create table held_receipts (
  held_id         bigint           generated always as identity primary key,
  provider        text collate "C" not null,
  account         text collate "C" not null default '',  -- empty: that of the installation
  account_tenant  text collate "C" not null default '',  -- empty: that of the installation
  message_key     text collate "C" not null,
  receipt         json             not null,  -- as it was read, without addresses
  held_at         timestamptz(3)   not null,
  due_at          timestamptz(3)   not null   -- when its message is looked for again
);
create index held_receipts_account on held_receipts (provider, account_tenant, account);
create index held_receipts_due on held_receipts (due_at);

-- Emails whose end is known, by hour, of the last two days. Several rows of an hour, so that receipts do not wait for each other.
create table email_counts (
  tenant_id         text collate "C" not null,
  notification_type text collate "C" not null,  -- empty: of all types
  hour              timestamptz(3)   not null,
  part              smallint         not null,
  ended             integer          not null,
  bounced           integer          not null,
  complained        integer          not null,
  primary key (tenant_id, notification_type, hour, part)
) with (fillfactor = 50);

-- Tenants and types whose emails bounce or are complained about too often.
create table email_standings (
  tenant_id         text collate "C" not null,
  notification_type text collate "C" not null,  -- empty: of all types
  alerted_at        timestamptz(3),             -- null: it is in order
  paused_at         timestamptz(3),             -- null: its emails are sent
  resumed_at        timestamptz(3),             -- emails before it do not count
  cause             text             not null,
  primary key (tenant_id, notification_type)
);
create index email_standings_paused on email_standings (tenant_id) where paused_at is not null;
create index email_standings_alerted on email_standings (alerted_at) where alerted_at is not null;

-- Addresses that get no messages of a scope.
create table suppressions (
  tenant_id      text collate "C" not null,
  channel        text collate "C" not null,
  address_hash   text collate "C" not null,  -- keyed, as in "addresses"
  scope          text collate "C" not null,  -- all, category:CATEGORY, type:NOTIFICATION_TYPE or sender:SENDER
  suppression_id uuid             not null,  -- UUIDv7
  address_mask   text,                       -- as it is shown; null: only the hash is known
  reason         text             not null constraint suppressions_reason_known
    check (reason in ('hard_bounce', 'soft_bounces', 'complaint', 'opted_out', 'unsubscribed', 'manual')),
  since          timestamptz(3)   not null,
  until          timestamptz(3),             -- null: until it is lifted
  evidence       json             not null,  -- the receipt, attempt or request that it was made from
  primary key (tenant_id, channel, address_hash, scope)
);
create unique index suppressions_id on suppressions (tenant_id, suppression_id);
-- The list by channel and reason.
create index suppressions_list on suppressions (tenant_id, channel, reason, suppression_id);


-- Consents of users, with their evidence. Append-only: the state of now is in "users".terms.
create table consents (
  tenant_id       text collate "C" not null,
  user_id         text collate "C" not null,
  consent_id      uuid             not null,  -- UUIDv7
  purpose         text collate "C" not null,  -- a category
  channel         text collate "C" not null,
  state           text             not null constraint consents_state_known check (state in ('granted', 'withdrawn', 'pending')),
  address_hash    text collate "C",           -- keyed, as in "addresses"; null: of no address
  address_mask    text,
  source          text,                       -- form, import, keyword, …
  method          text,                       -- single or double opt-in
  wording_version text,
  locale          text,
  recorded_by     text             not null,  -- KIND ID of the actor
  at              timestamptz(3)   not null,  -- when it was said
  recorded_at     timestamptz(3)   not null,
  sealed          bytea,                      -- further evidence: network address, user agent, page
  primary key (tenant_id, user_id, consent_id)
);
-- The list over all users, that was recorded last first.
create index consents_latest on consents (tenant_id, consent_id);

-- Toggles of users by id. Each row can be computed from its user and type, but not from its id; written when the toggles
-- of a user are listed, one for each notification type.
create table toggles (
  tenant_id         text collate "C" not null,
  toggle_id         uuid             not null,  -- UUIDv8 of tenant, user and type
  user_id           text collate "C" not null,
  notification_type text collate "C" not null,
  primary key (tenant_id, toggle_id),
  constraint toggles_of_user unique (tenant_id, user_id, notification_type)
);

-- Endpoints of webhooks: URLs of a tenant to which messages are sent. A disabled one keeps what is due for it.
create table webhook_endpoints (
  tenant_id          text collate "C" not null references tenants,
  endpoint_id        uuid             not null,  -- UUIDv7
  url                text             not null,
  description        text             not null default '',
  event_types        text[],                     -- facts that it receives: types, PREFIX.* or *; null: messages of the channel webhook
  notification_types text[],                     -- only messages, or facts about notifications, of these types; null: of all
  channels           text[],                     -- only facts about these channels; null: about all
  format             text             not null default 'json' constraint webhook_endpoints_format_known
    check (format in ('json', 'cloudevents')),
  ordered            boolean          not null default false,  -- one message at a time, the oldest first
  per_second         integer          constraint webhook_endpoints_per_second_positive check (per_second > 0),  -- null: no limit
  sealed             bytea            not null,  -- secrets, with the ends of those that were replaced, and custom headers
  header_names       text[]           not null default '{}',
  state              text             not null default 'active' constraint webhook_endpoints_state_known
    check (state in ('active', 'disabled')),
  state_code         text,                       -- why it is disabled: by_hand, gone, failing
  state_changed_at   timestamptz(3)   not null,
  failing_since      timestamptz(3),             -- the first failure since a success; null: the latest attempt succeeded
  failures           integer          not null default 0,  -- since then
  warned_at          timestamptz(3),             -- the notice that it will be disabled
  free_at            timestamptz(3)   not null default '-infinity',  -- per_second: when the next message would be in time (GCRA)
  operation_id       text             not null,  -- the request that created it
  revision           bigint           not null default 1,
  created_at         timestamptz(3)   not null,
  updated_at         timestamptz(3)   not null,
  primary key (tenant_id, endpoint_id),
  constraint webhook_endpoints_code_only_while_disabled check ((state = 'disabled') = (state_code is not null)),
  constraint webhook_endpoints_channels_only_with_event_types check (channels is null or event_types is not null)
) with (fillfactor = 50);


------------------------------------------------------------------------------------------------------------------------
-- Outbox

-- Lifecycle events of notifications, on their way to the rules. Written in the transaction that settles the delivery,
-- ingested like a posted event, then deleted. A second copy is rejected by its event_id.
create table outbox_events (
  tenant_id     text collate "C" not null,
  user_id       text collate "C" not null,
  event_id      text collate "C" not null,
  event         json             not null,  -- as it would be posted
  due_at        timestamptz(3)   not null,
  claimed_until timestamptz(3),             -- a worker is relaying it; once past, any worker may claim it
  primary key (tenant_id, event_id)
);

-- The queue, over all tenants.
create index outbox_events_due on outbox_events (due_at);
-- The same by tenant, read while more is due than the workers take.
create index outbox_events_lanes on outbox_events (tenant_id, due_at) where due_at > '-infinity';

-- Facts on their way to the endpoints that subscribe to them: ingested events, outcomes of notifications, suppressions. Written
-- in the transaction of the fact, with its content as a row of "notifications" (catalog_version 0) of the same id. A relay makes
-- a delivery for each endpoint, a page at a time, moves "cursor" in the same transaction, and deletes the fact after the last.
create table webhook_facts (
  tenant_id         text collate "C" not null,
  fact_id           uuid             not null,  -- UUIDv7; the notification_id of its deliveries
  user_id           text collate "C" not null,  -- empty: no user is known
  type              text collate "C" not null,
  notification_type text collate "C",           -- of the notification that it is about; null: it is about none
  channel           text collate "C",
  cursor            uuid,                       -- the last endpoint that has its delivery, in order of their ids; null: none has
  due_at            timestamptz(3)   not null,
  claimed_until     timestamptz(3),             -- a worker is relaying it; once past, any worker may claim it
  primary key (tenant_id, fact_id)
);

-- The queue, over all tenants.
create index webhook_facts_due on webhook_facts (due_at);
-- The queue of a tenant, read while more is due than a claim takes.
create index webhook_facts_lanes on webhook_facts (tenant_id, due_at) where due_at > '-infinity';

-- Messages on their way to Kafka topics: facts and decisions of sinks, messages that a source could not read, and gaps. Written in
-- the transaction of their cause. A relay sends those of a topic in order of (xid, id), and only transactions before which none is
-- open: whatever commits later has a higher place. It deletes them after the brokers have acknowledged them. Of a message that the
-- brokers never take, the topic goes on without it ("parked_at").
create table kafka_outbox (
  tenant_id     text collate "C" not null,
  message_id    uuid             not null,  -- UUIDv7 of a fact, else a hash of what it is about
  topic         text collate "C" not null,
  xid           xid8             not null default pg_current_xact_id(),  -- '0': restored; without meaning in another database
  id            bigint           generated by default as identity,
  kind          text             not null constraint kafka_outbox_kind_known
    check (kind in ('fact', 'decision', 'dead_letter', 'gap')),
  for_tenant    text collate "C",           -- of a dead letter: the tenant whose user it is about; null: the one whose topic it is
  user_id       text collate "C" not null,  -- empty: no user is known
  key           text,                       -- of the message; null: none, or that of a dead letter, which is in "sealed"
  is_structured boolean          not null default false,  -- the whole CloudEvent is the value
  type          text             not null,  -- of the CloudEvent
  event_id      text             not null,  -- its id: the same whenever it is sent
  at            timestamptz(3)   not null,  -- its time
  data          json             not null,  -- with addresses masked
  sealed        bytea,                      -- the originals; of a dead letter the message as it was
  traceparent   text,                       -- of a decision; facts have it in their context
  bytes         integer          not null,
  created_at    timestamptz(3)   not null,
  parked_at     timestamptz(3),             -- set aside
  parked_code   text constraint kafka_outbox_parked_code_known
    check (parked_code in ('too_large', 'not_accepted', 'not_readable')),
  primary key (tenant_id, message_id, topic),
  constraint kafka_outbox_code_only_of_parked check ((parked_at is null) = (parked_code is null))
);

-- The queue of a topic, from which it is also measured.
create index kafka_outbox_queue on kafka_outbox (tenant_id, topic, xid, id) include (bytes) where parked_at is null;
-- Messages of all topics as they were recorded: by those since the last look, topics are found that have something to send.
create index kafka_outbox_new on kafka_outbox (xid, tenant_id, topic) where parked_at is null;
-- Messages about a user, for an erasure; and what a topic of one tenant has of another.
create index kafka_outbox_user on kafka_outbox (tenant_id, user_id) where user_id > '';
create index kafka_outbox_for_tenant on kafka_outbox (for_tenant, user_id) where for_tenant > '';
-- Messages that were set aside.
create index kafka_outbox_parked on kafka_outbox (tenant_id, topic, parked_at, message_id) where parked_at > '-infinity';

-- Topics that Tidings writes, each a lane of its own: one process at a time sends its messages. Topics without messages cost nothing:
-- only those with "ready_xid" are claimed, and only those with "measure_at" are measured.
create table kafka_topics (
  tenant_id     text collate "C" not null,
  topic         text collate "C" not null,
  fence         integer          not null default 0,  -- grows with each claim
  claimed_until timestamptz(3),                       -- a process is sending; once past, any process may
  served_at     timestamptz(3)   not null default '-infinity',  -- the last claim: topics take turns
  retry_at      timestamptz(3)   not null default '-infinity',  -- after a failure
  failures      integer          not null default 0,  -- in a row
  problem       text constraint kafka_topics_problem_known
    check (problem in ('brokers_away', 'topic_missing', 'not_authorized', 'not_allowed', 'open_transaction', 'failing')),
  problem_since timestamptz(3),
  paused_at     timestamptz(3),
  full_since    timestamptz(3),                       -- too much waits: nothing is recorded for it
  sent_xid      xid8             not null default '0',  -- nothing of an earlier transaction waits: a read begins here
  ready_xid     xid8,                                 -- the last transaction whose messages were found to wait; null: none waits
  published     bigint           not null default 0,  -- messages that were acknowledged
  measured_at   timestamptz(3)   not null default '-infinity',
  measure_at    timestamptz(3)   default '-infinity',  -- when it is measured next; null: nothing is left of its messages
  waiting       bigint           not null default 0,  -- when it was measured
  waiting_bytes bigint           not null default 0,
  parked        integer          not null default 0,
  oldest_at     timestamptz(3),                       -- the first that waits
  primary key (tenant_id, topic),
  constraint kafka_topics_since_only_with_problem check ((problem is null) = (problem_since is null))
) with (fillfactor = 50);

-- Topics that may be claimed, in their turns; those that have failed take turns of their own.
create index kafka_topics_ready on kafka_topics (served_at) where ready_xid is not null and paused_at is null and failures = 0;
create index kafka_topics_failing on kafka_topics (served_at) where ready_xid is not null and paused_at is null and failures > 0;
create index kafka_topics_claimed on kafka_topics (tenant_id) where claimed_until is not null;
create index kafka_topics_measure on kafka_topics (measure_at) where measure_at is not null;

-- Receivers of facts. Whether types that are subscribed to, with PREFIX.* and *, have this type.
create function hears_type(types text[], type text) returns boolean language sql immutable parallel safe as $$
select coalesce(type = any (types) or '*' = any (types)
  or exists (select from unnest(types) as t where t like '%.*' and starts_with(type, left(t, -1))), false)
$$;

-- Whether an endpoint receives a fact. "about" and "on_channel" are null for a fact that is not about a notification.
create function hears_fact(w webhook_endpoints, type text, about text, on_channel text) returns boolean
language sql immutable parallel safe as $$
select hears_type(w.event_types, type)
  and (about is null or w.notification_types is null or about = any (w.notification_types))
  and (on_channel is null or w.channels is null or on_channel = any (w.channels))
$$;

-- The types that endpoints of a tenant subscribe to. Beyond 50 it is all types: the relay finds the endpoints all the same.
create function find_heard_types(tenant text, of_sinks jsonb, out types text[], out outcomes text[]) language sql stable as $$
with subscribed as (
  select case when count(distinct t) > 50 then array['*'] when count(distinct t) > 0 then array_agg(distinct t) end as types
  from webhook_endpoints cross join unnest(event_types) as t where tenant_id = tenant
)
select types, (select array_agg(o) from unnest(array[
  'notification.delivered', 'notification.opened', 'notification.clicked', 'notification.bounced', 'notification.failed',
  'notification.dropped']) as o
  where hears_type(types, o)
    or exists (select from jsonb_to_recordset(of_sinks) as s("eventTypes" text[]) where hears_type(s."eventTypes", o)))
from subscribed
$$;

create function find_hearers() returns trigger language plpgsql as $$
declare
  content jsonb := (
    select c.content from catalogs join catalog_contents as c using (content_hash)
    where tenant_id = new.tenant_id and version = new.version);
  released jsonb := (
    select c.content from catalogs join catalog_contents as c using (content_hash)
    where tenant_id = new.tenant_id and version = (new.release ->> 'version')::int);
begin
  if tg_op = 'INSERT' then
    new.has_terms := new.has_terms or exists (select from users where tenant_id = new.tenant_id and terms is not null);
    new.erased_until := (select max(erased_at) from erasures where tenant_id = new.tenant_id);
    new.has_merges := exists (select from merged_users where tenant_id = new.tenant_id);
  end if;
  new.rule_facts := (
    select array_agg(t) from unnest(array['notification.dropped', 'suppression.added', 'suppression.removed']) as t
    where position('"' || t || '"' in (content - 'sinks')::text) > 0
       or position('"' || t || '"' in (released - 'sinks')::text) > 0);
  -- Nothing that a test key posts is written.
  new.sinks := case when new.tenant_id not like '%.test' then content -> 'sinks' end;
  new.written_topics := case when new.tenant_id not like '%.test' then (
    select array_agg(distinct topic) from (
      select s.topic from jsonb_to_recordset(content -> 'sinks') as s(topic text)
      union all
      select s."deadLetterTopic" from jsonb_to_recordset(content -> 'sources') as s("deadLetterTopic" text)
    ) as t where topic is not null) end;
  if tg_op = 'INSERT' then
    new.topics_due_at := case when new.written_topics is not null then '-infinity'::timestamptz end;
  elsif new.written_topics is distinct from old.written_topics then
    new.topics_due_at := '-infinity';
  end if;
  select types, outcomes into new.heard_types, new.heard_outcomes from find_heard_types(new.tenant_id, new.sinks);
  return new;
end $$;
create trigger active_catalogs_hearers before insert or update of version, release on active_catalogs
  for each row execute function find_hearers();

-- With the rights of the owner: the API login changes endpoints, and never catalogs. The row is locked first, and read by a later
-- statement: of two changes at once, the second sees the first.
create function update_heard_types() returns trigger language plpgsql security definer set search_path from current as $$
declare
  tenant text := case when tg_op = 'DELETE' then old.tenant_id else new.tenant_id end;
begin
  perform 1 from active_catalogs where tenant_id = tenant for update;
  update active_catalogs as a
  set (heard_types, heard_outcomes) = (select h.types, h.outcomes from find_heard_types(tenant, a.sinks) as h)
  where tenant_id = tenant;
  return null;
end $$;
create trigger webhook_endpoints_heard after insert or delete or update of event_types on webhook_endpoints
  for each row execute function update_heard_types();

-- Tells ingest of an erasure, on the row that each batch reads. With the rights of the owner, as before.
create function note_erasure() returns trigger language plpgsql security definer set search_path from current as $$
begin
  update active_catalogs set erased_until = greatest(erased_until, new.erased_at) where tenant_id = new.tenant_id;
  return null;
end $$;
create trigger erasures_noted after insert or update of erased_at on erasures
  for each row execute function note_erasure();

-- Tells ingest of a merge, in the same way.
create function note_merge() returns trigger language plpgsql security definer set search_path from current as $$
begin
  update active_catalogs set has_merges = true where tenant_id = new.tenant_id and not has_merges;
  return null;
end $$;
create trigger merged_users_noted after insert on merged_users for each row execute function note_merge();

-- The id of a fact: a UUIDv7 of its time and a text, so that a fact that is recorded once more has the same id.
create function to_fact_id(at timestamptz, seed text) returns uuid language sql immutable parallel safe as $$
select (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid
from (select md5(seed) as h) as hashed
$$;

-- Records a fact for the endpoints that subscribe to it; returns false if no endpoint does. "event" is the body that they receive.
create function tell_endpoints(
  tenant text, of_user text, event_id text, fact_type text, at timestamptz, event json, about text, on_channel text,
  due timestamptz
) returns boolean language plpgsql as $$
declare
  id uuid := to_fact_id(at, tenant || ' ' || event_id);
begin
  if not exists (
    select from webhook_endpoints as w where w.tenant_id = tenant and w.event_types is not null
      and hears_fact(w, fact_type, about, on_channel)
  ) then
    return false;
  end if;
  insert into notifications (tenant_id, user_id, notification_id, notification_type, category, rule, decision_id, event_id,
                             catalog_version, data, created_at, sequence)
  values (tenant, of_user, id, fact_type, 'FACT', '', '', event_id, 0, event, at, next_webhook_sequence())
  on conflict do nothing;
  insert into webhook_facts (tenant_id, fact_id, user_id, type, notification_type, channel, due_at)
  values (tenant, id, of_user, fact_type, about, on_channel, due)
  on conflict do nothing;
  return true;
end $$;

-- The sinks of a tenant that receive a fact, of those whose topics are open.
create function find_sinks(tenant text, fact_type text, about text, on_channel text, at timestamptz)
returns table (topic text, key text, format text) language sql stable as $$
select s.topic, s.key, s.format
from active_catalogs as a
cross join lateral jsonb_to_recordset(a.sinks) as s(
  topic text, key text, format text, "eventTypes" text[], "notificationTypes" text[], channels text[])
where a.tenant_id = tenant and s.topic = any (a.open_topics) and a.open_until > at and hears_type(s."eventTypes", fact_type)
  and (about is null or s."notificationTypes" is null or about = any (s."notificationTypes"))
  and (on_channel is null or s.channels is null or on_channel = any (s.channels))
$$;

-- Records a fact for the sinks that receive it; returns false if no sink does. "event" is the data of the message.
create function tell_sinks(
  tenant text, of_user text, of_event text, fact_type text, at timestamptz, event json, about text, on_channel text,
  due timestamptz
) returns boolean language plpgsql as $$
begin
  insert into kafka_outbox (tenant_id, message_id, topic, kind, user_id, key, is_structured, type, event_id, at, data, bytes,
                            created_at)
  select tenant, to_fact_id(tell_sinks.at, tenant || ' ' || of_event), s.topic, 'fact', of_user,
         case s.key when 'tenant_user' then tenant || ':' || of_user when 'user' then of_user end, s.format = 'structured', fact_type, of_event,
         tell_sinks.at, event, octet_length(event::text), due
  from find_sinks(tenant, fact_type, about, on_channel, due) as s
  on conflict do nothing;
  return found;
end $$;

-- Tells rules, endpoints and sinks of a delivery that was dropped, whichever statement did it, in its transaction. Nothing is dropped
-- twice: its event has the number of the claim.
create function tell_dropped() returns trigger language plpgsql as $$
declare
  hearers record;
  id text := concat_ws('.', new.notification_id, new.channel, nullif(new.target, ''));
  event_id text := 'notification.dropped ' || id || '.' || new.fence;
  event json;
begin
  select 'notification.dropped' = any (rule_facts) as rules, 'notification.dropped' = any (heard_outcomes) as endpoints
  into hearers from active_catalogs
  where tenant_id = new.tenant_id and ('notification.dropped' = any (rule_facts) or 'notification.dropped' = any (heard_outcomes));
  -- A delivery of a fact is no fact.
  if not found or not exists (
    select from notifications where tenant_id = new.tenant_id and user_id = new.user_id and notification_id = new.notification_id
      and catalog_version > 0
  ) then
    return null;
  end if;
  event := json_build_object(
    'event_id', event_id, 'user_id', new.user_id, 'event_type', 'notification.dropped',
    'event_timestamp', to_char(new.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'properties', json_strip_nulls(json_build_object(
      'notification_type', new.notification_type, 'notification_id', new.notification_id, 'channel', new.channel,
      'reason_code', new.reason_code, 'reason', new.reason)));
  if hearers.rules then
    insert into outbox_events (tenant_id, user_id, event_id, event, due_at)
    values (new.tenant_id, new.user_id, event_id, event, new.finished_at) on conflict do nothing;
  end if;
  if hearers.endpoints then
    perform tell_endpoints(new.tenant_id, new.user_id, event_id, 'notification.dropped', new.finished_at, event,
                           new.notification_type, new.channel, new.finished_at),
            tell_sinks(new.tenant_id, new.user_id, event_id, 'notification.dropped', new.finished_at, event,
                       new.notification_type, new.channel, new.finished_at);
  end if;
  perform pg_notify('tidings_timers', '');
  return null;
end $$;
create trigger deliveries_dropped after update on deliveries
  for each row when (new.status = 'dropped' and old.status <> 'dropped') execute function tell_dropped();


------------------------------------------------------------------------------------------------------------------------
-- Connectors

-- Secrets of a connector of the catalog: keys, passwords and the certificate of a card network.
create table connector_secrets (
  tenant_id  text collate "C" not null references tenants,
  connector  text collate "C" not null,
  names      text[]           not null,  -- of the secrets that are set
  sealed     bytea            not null,  -- by name
  updated_at timestamptz(3)   not null,
  primary key (tenant_id, connector)
);

-- Tasks of connectors, each for a user: fetch them from upstream, or register one of their products with the card network.
-- Written in the transaction of the event that asks for it. What comes of it is an event with an id made of task_id.
--
--   open ──claim, call──▶ done
--     ▲  └──failed: later──┘ │
--     └──operator retry── dead
create table connector_tasks (
  tenant_id     text collate "C" not null,
  task_id       uuid             not null,  -- a hash of connector, user, product and event
  connector     text collate "C" not null,
  kind          text             not null constraint connector_tasks_kind_known
    check (kind in ('customer-import', 'card-registration')),
  user_id       text collate "C" not null,
  product_id    text collate "C",           -- null: of an import
  state         text             not null default 'open' constraint connector_tasks_state_known
    check (state in ('open', 'done', 'dead')),
  attempts      integer          not null default 0,  -- since it began, or was retried by command
  calls         integer          not null default 0,  -- attempts in all
  failure_code  text,                       -- of the last attempt; null: none failed
  failure       text,                       -- without addresses and secrets
  created_at    timestamptz(3)   not null,  -- also the time of the event that it makes
  due_at        timestamptz(3)   not null,
  claimed_until timestamptz(3),             -- a worker is at it; once past, any worker may claim it. Each claim has another
  ended_at      timestamptz(3),
  primary key (tenant_id, task_id),
  constraint connector_tasks_ended_at_set_when_ended check ((state = 'open') = (ended_at is null)),
  constraint connector_tasks_product_of_card check ((kind = 'card-registration') = (product_id is not null))
) with (fillfactor = 70);

-- The queue, over all tenants; and the same by tenant, read while more is due than the workers take.
create index connector_tasks_due on connector_tasks (due_at) where ended_at is null;
create index connector_tasks_lanes on connector_tasks (tenant_id, due_at) where ended_at is null and due_at > '-infinity';
-- The list, newest first; of a user; and those that ended as dead letters.
create index connector_tasks_created on connector_tasks (tenant_id, created_at, task_id);
create index connector_tasks_user on connector_tasks (tenant_id, user_id, task_id);
create index connector_tasks_dead on connector_tasks (tenant_id, created_at, task_id) where state = 'dead';

-- Products of users, as upstream has them, and what the card network said of each.
create table user_products (
  tenant_id         text collate "C" not null,
  product_id        text collate "C" not null,
  user_id           text collate "C" not null,
  product           text             not null constraint user_products_product_known
    check (product in ('LOAN', 'CREDIT', 'GENERIC')),
  status            text,                       -- as upstream says
  registration      text             constraint user_products_registration_known
    check (registration in ('registered', 'unusable', 'failed')),  -- with the card network; null: not asked, or not answered yet
  registration_code text,                       -- message code of the network, or why it failed
  registered_at     timestamptz(3),
  sealed            bytea,                      -- subscriber_reference_id: the network knows the user by it
  updated_at        timestamptz(3)   not null,
  primary key (tenant_id, product_id)
);
create index user_products_user on user_products (tenant_id, user_id, product_id);


------------------------------------------------------------------------------------------------------------------------
-- Operation

-- Changes by operators: a catalog applied, a delivery retried, waits cancelled, and so on.
create table audit_log (
  tenant_id text collate "C" not null,
  entry_id  uuid             not null,  -- UUIDv7: in order of time
  at        timestamptz(3)   not null,
  actor_kind text            not null constraint audit_log_actor_kind_known
    check (actor_kind in ('key', 'member', 'user', 'portal', 'local', 'system')),
  actor_id  text collate "C" not null,
  actor     text             not null,  -- name of the actor, as it is shown
  origin    text,                       -- masked network address, or cli; null: this process
  action    text             not null,
  subject   text             not null,
  detail    json             not null,
  before    json,                       -- what was changed, as it was
  after     json,                       -- and as it is now
  primary key (tenant_id, entry_id)
);
-- Lists by actor.
create index audit_log_actor on audit_log (tenant_id, actor_kind, actor_id, entry_id);

-- Activations of catalog versions and steps of their releases, which lists of versions and charts show.
create index audit_log_catalog on audit_log (tenant_id, entry_id) where action in (
  'catalog.applied', 'catalog.rolled_back', 'release.started', 'release.share_changed', 'release.finished', 'release.rolled_back');

-- Jobs: an operator's command for many deliveries, waits or rejected events, run by workers in chunks.
--
--   pending ──claim──▶ running ──▶ done
--      │                  ├──────▶ failed    (a chunk failed again and again)
--      └────by command────┴──────▶ stopped
--
-- The transaction of a chunk also writes "cursor" and the counts, and only under the fence of the latest claim: a chunk that
-- is cut off has changed nothing, and one that is repeated by another process finds the job further on.
create table jobs (
  tenant_id     text collate "C" not null,
  job_id        uuid             not null,  -- UUIDv7
  action        text             not null constraint jobs_action_known check (action in (
    'deliveries.retry', 'deliveries.cancel', 'webhooks.replay', 'waits.cancel', 'waits.migrate', 'waits.retry',
    'waits.dismiss', 'waits.fire', 'rejected.retry', 'rejected.dismiss', 'dead_letters.retry', 'dead_letters.cancel',
    'dead_letters.suppress', 'users.erase')),
  name          text,                       -- given by the operator
  filter        json             not null,  -- which items
  patch         json,                       -- rejected.retry: JSON merge patch (RFC 7396) for each event
  compute       json,                       -- rejected.retry: path of a field -> expression that gives its value
  per_second    integer          constraint jobs_per_second_positive check (per_second > 0),  -- null: no limit
  status        text             not null default 'pending' constraint jobs_status_known
    check (status in ('pending', 'running', 'done', 'stopped', 'failed')),
  matched       integer          not null,  -- items that matched at the start
  matched_exact boolean          not null,  -- false: at least as many
  done          bigint           not null default 0,
  skipped       bigint           not null default 0,  -- matched, but left as they are
  failed        bigint           not null default 0,
  cursor        json,                       -- position after the last chunk; its shape depends on the action
  reason        text,                       -- why it failed
  actor         json             not null,  -- who started it: Actor of src/model/principal.ts
  stopped_by    text,
  request_key   text collate "C",           -- of the caller and its Idempotency-Key
  request_hash  text,                       -- of what was sent with it
  created_at    timestamptz(3)   not null,  -- items that are newer are not its own
  started_at    timestamptz(3),
  ended_at      timestamptz(3),
  due_at        timestamptz(3)   not null default now(),  -- of the next chunk, by the clock of the database
  claimed_until timestamptz(3),             -- a worker runs a chunk; once past, any worker may claim it
  fence         integer          not null default 0,  -- grows with each claim
  attempts      integer          not null default 0,  -- claims since a chunk was committed
  primary key (tenant_id, job_id),
  constraint jobs_ended_at_set_when_ended check ((status in ('pending', 'running')) = (ended_at is null))
);

-- The queue, over all tenants.
create index jobs_open on jobs (due_at) where ended_at is null;
create index jobs_open_of_tenant on jobs (tenant_id, job_id) where ended_at is null;
create unique index jobs_request on jobs (tenant_id, request_key) where request_key is not null;

-- Items that a job could not change; the first of them.
create table job_failures (
  tenant_id text collate "C" not null,
  job_id    uuid             not null,
  item      text collate "C" not null,  -- id of the delivery, wait or rejected event
  code      text             not null,
  message   text             not null,
  primary key (tenant_id, job_id, item),
  foreign key (tenant_id, job_id) references jobs on delete cascade
);

-- Lists: named sets of users, which callers add and remove.
create table lists (
  tenant_id   text collate "C" not null,
  list_id     uuid             not null,  -- UUIDv7
  name        text             not null,
  description text,
  members     integer          not null default 0,  -- rows of list_members; changed with them, under the lock of this row
  created_by  text             not null,
  created_at  timestamptz(3)   not null,
  updated_at  timestamptz(3)   not null,  -- of name, description or members
  primary key (tenant_id, list_id),
  constraint lists_name unique (tenant_id, name)
);

-- A member need not be known as a user yet.
create table list_members (
  tenant_id text collate "C" not null,
  list_id   uuid             not null,
  user_id   text collate "C" not null,
  added_at  timestamptz(3)   not null,
  primary key (tenant_id, list_id, user_id),
  foreign key (tenant_id, list_id) references lists on delete cascade
);

-- The lists of a user, to be exported, merged and erased.
create index list_members_user on list_members (tenant_id, user_id);

-- Batches: a notification to up to a million recipients, which a worker asks for page by page (src/notify/batches/).
--
--   draft ──start──▶ running ──────────────────────────────────▶ finished   (each recipient is final)
--     │               │   ▲
--     │             pause resume
--     │               ▼   │
--     │               paused
--     └──────cancel───┴──────────▶ cancelled   (ended_at: each recipient is final)
--
-- One worker at a time has the claim of a batch, and alone writes its counts; with them, in the same transaction, the
-- recipients that they count.
create table batches (
  tenant_id     text collate "C" not null,
  batch_id      uuid             not null,  -- UUIDv7
  operation_id  uuid             not null,  -- the request that created it: a repetition finds it
  name          text,                       -- given by the caller
  request       json             not null,  -- SendRequest of src/notify/request.ts without recipients; addresses masked
  sealed        bytea,                      -- its original, if it differs
  source        json,                       -- BatchSource of src/model/batch.ts: a list or segment; null: lines alone
  per_second    integer          constraint batches_per_second_positive check (per_second > 0),  -- recipients; null: no limit
  state         text             not null default 'draft' constraint batches_state_known
    check (state in ('draft', 'running', 'paused', 'cancelled', 'finished')),
  lines         integer          not null default 0,  -- that are stored
  next_line     integer          not null default 0,  -- the first that was not asked for yet
  scanned       integer          not null default 0,  -- the line from which the next look at open recipients goes on
  counts        json             not null default '{}',  -- recipients by state, without those that are pending
  codes         json             not null default '{}',  -- recipients by state and reason code
  actor         json             not null,  -- Actor of src/model/principal.ts
  created_at    timestamptz(3)   not null,
  started_at    timestamptz(3),
  ended_at      timestamptz(3),
  reason        text,                       -- why the last page failed; null: it did not
  due_at        timestamptz(3)   not null default now(),  -- of the next page, by the clock of the database
  claimed_until timestamptz(3),             -- a worker has it; once past, any worker may claim it
  fence         integer          not null default 0,  -- grows with each claim
  attempts      integer          not null default 0,  -- claims since a page was committed
  primary key (tenant_id, batch_id)
) with (fillfactor = 50);

-- The queue, over all tenants.
create index batches_open on batches (due_at) where ended_at is null and state <> 'draft';
create index batches_open_of_tenant on batches (tenant_id, batch_id) where ended_at is null;
create unique index batches_operation on batches (tenant_id, operation_id);
-- Batches whose deliveries no claim may send.
create index batches_stopped on batches (tenant_id, batch_id) where state in ('paused', 'cancelled');

-- A line of a batch, from 0. It keeps its place, whatever becomes of it: the sum of the states is the number of lines.
create table batch_recipients (
  tenant_id       text collate "C" not null,
  batch_id        uuid             not null,
  line            integer          not null,
  state           text             not null default 'pending' constraint batch_recipients_state_known check (state in (
    'pending', 'accepted', 'held', 'scheduled',
    'sent', 'folded', 'dropped', 'failed', 'in_doubt', 'cancelled', 'rejected', 'duplicate', 'empty')),
  user_id         text collate "C",           -- null: not known yet, or none
  address_hash    text collate "C",           -- keyed, of the address that the line names; null: it names a user, or nothing
  sealed          bytea,                      -- address and variables of the line; null: it does not have any
  notification_id uuid,
  reason_code     text,
  reason          text,
  primary key (tenant_id, batch_id, line),
  foreign key (tenant_id, batch_id) references batches on delete cascade
);

-- Recipients that are not final, which have a notification.
create index batch_recipients_open on batch_recipients (tenant_id, batch_id, line)
  where state in ('accepted', 'held', 'scheduled');
-- The lines of a user: of a batch, to find repetitions, and of all, to be erased.
create index batch_recipients_user on batch_recipients (tenant_id, user_id, batch_id, line) where user_id is not null;
create index batch_recipients_address on batch_recipients (tenant_id, address_hash) where address_hash is not null;
-- The list by state.
create index batch_recipients_state on batch_recipients (tenant_id, batch_id, state, line);

-- Positions up to which the partitions of Kafka topics are read. The transaction that decides records moves the position on, and only from where
-- it was read: what another process has decided meanwhile undoes it (advance_kafka_offset). Never committed to Kafka alone.
create table kafka_offsets (
  tenant_id   text collate "C" not null,             -- whose catalog has the source
  topic       text collate "C" not null,
  partition   integer          not null,
  for_tenant  text collate "C" not null default '',  -- '': the partition; else a tenant named by its records, ahead of the partition
  topic_id    text             not null,             -- a topic that is created again has another one, and begins anew
  next_offset bigint           not null,             -- the first record that is not decided
  end_offset  bigint,                                -- end of the partition when it was last seen; null: not yet
  seen_at     timestamptz(3),
  primary key (tenant_id, topic, partition, for_tenant)
);

-- Sources that an operator has paused.
create table paused_sources (
  tenant_id text collate "C" not null,
  source    text collate "C" not null,
  paused_at timestamptz(3)   not null,
  primary key (tenant_id, source)
);

-- Moves a position from "expected" to "next", or fails with TD001 if it is elsewhere by now. For one of several tenants it also
-- keeps the partition at "base" until the transaction ends.
create function advance_kafka_offset(
  owner text, of_topic text, of_partition integer, of_topic_id text, member text, base bigint, expected bigint, next bigint
) returns void language plpgsql as $$
begin
  if member = '' then
    update kafka_offsets set next_offset = next
    where tenant_id = owner and topic = of_topic and partition = of_partition and for_tenant = '' and topic_id = of_topic_id
      and next_offset = expected;
  else
    perform from kafka_offsets
    where tenant_id = owner and topic = of_topic and partition = of_partition and for_tenant = '' and topic_id = of_topic_id
      and next_offset = base for share;
    if not found then
      raise exception 'the position of the partition has moved' using errcode = 'TD001';
    end if;
    insert into kafka_offsets (tenant_id, topic, partition, for_tenant, topic_id, next_offset)
    values (owner, of_topic, of_partition, member, of_topic_id, next)
    on conflict (tenant_id, topic, partition, for_tenant) do update set next_offset = next
    where kafka_offsets.next_offset = expected;
  end if;
  if not found then
    raise exception 'the position of the partition has moved' using errcode = 'TD001';
  end if;
end $$;

-- Facts about this database, such as the fingerprint of the encryption key.
create table metadata (
  name  text primary key,
  value text not null
);


------------------------------------------------------------------------------------------------------------------------
-- Metrics

-- Numbers that transactions add to the roll-ups, until the fold (src/store/metrics/fold.ts) adds it. Insert-only: no two transactions wait for
-- each other. A transaction that changes what was counted before adds the old as a negative and the new as a positive number, so
-- the sum of all is what a count of the rows would be, in whatever order they are folded.
create table metric_deltas (
  tenant_id text collate "C" not null,
  delta_id  bigint           generated always as identity,
  at        timestamptz(3)   not null default now(),
  items     json             not null,  -- DeltaItem[] of src/store/metrics/delta-item.ts
  primary key (tenant_id, delta_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Deltas that were folded so far, for the stream of changes: with those that were not, it is how many transactions have counted
-- something. Not logged: after a crash it begins anew, which is a change as well.
create unlogged table metric_folds (
  tenant_id  text collate "C" primary key,
  deltas     bigint not null,
  last_delta bigint not null  -- the greatest of them
) with (fillfactor = 50);

-- Sums of counters by time in UTC. A row has, beside the notification type and channel ('': of all), at most one further dimension:
--   channel            no type: the totals of each channel
--   type               the type, and what concerns no channel under ''
--   provider           value: PROVIDER, or PROVIDER/ACCOUNT of an account of the tenant
--   locale, variant    of the template that was sent
--   version, rule      the catalog version, the rule; events of a version have no type
--   release            value: RELEASE_ID and new or old, the users that its version decides about, and the others
--   reason             the reason code
--   event              value: the type of the event; no notification type, no channel
--   experiment         value: RULE VARIANT; decided: users that were divided, each once; goals: those who reached the goal
--   cost               value: CURRENCY PROVIDER, or CURRENCY PROVIDER/ACCOUNT
create table metric_rollups (
  tenant_id         text collate "C" not null,
  grain             text collate "C" not null constraint metric_rollups_grain_known
    check (grain in ('minute', 'hour', 'day', 'week', 'four_weeks')),  -- weeks begin on Monday
  dimension         text collate "C" not null constraint metric_rollups_dimension_known
    check (dimension in ('channel', 'type', 'provider', 'locale', 'variant', 'version', 'rule', 'reason', 'event', 'cost', 'release', 'experiment')),
  bucket            timestamptz(3)   not null,  -- its start
  notification_type text collate "C" not null default '',
  channel           text collate "C" not null default '',
  value             text collate "C" not null default '',
  events            bigint           not null default 0,
  decided           bigint           not null default 0,
  held              bigint           not null default 0,
  planned           bigint           not null default 0,
  sent              bigint           not null default 0,
  sandboxed         bigint           not null default 0,
  undeliverable     bigint           not null default 0,
  dropped           bigint           not null default 0,
  dead              bigint           not null default 0,
  in_doubt          bigint           not null default 0,
  cancelled         bigint           not null default 0,
  attempts          bigint           not null default 0,
  confirmable       bigint           not null default 0,
  delivered         bigint           not null default 0,
  unconfirmed       bigint           not null default 0,
  bounced           bigint           not null default 0,
  failed            bigint           not null default 0,
  complained        bigint           not null default 0,
  opened            bigint           not null default 0,
  clicked           bigint           not null default 0,
  read              bigint           not null default 0,
  unsubscribed      bigint           not null default 0,
  aimed             bigint           not null default 0,
  goals             bigint           not null default 0,
  latency_ms        bigint           not null default 0,
  cost              numeric          not null default 0,
  -- Messages handed over that took up to 100 ms, 250 ms and so on: LATENCY_BOUNDS_MS of src/store/metrics/counters.ts
  latency_0         bigint           not null default 0,
  latency_1         bigint           not null default 0,
  latency_2         bigint           not null default 0,
  latency_3         bigint           not null default 0,
  latency_4         bigint           not null default 0,
  latency_5         bigint           not null default 0,
  latency_6         bigint           not null default 0,
  latency_7         bigint           not null default 0,
  latency_8         bigint           not null default 0,
  latency_9         bigint           not null default 0,
  latency_10        bigint           not null default 0,
  latency_11        bigint           not null default 0,
  latency_12        bigint           not null default 0,
  latency_13        bigint           not null default 0,
  latency_14        bigint           not null default 0,
  latency_15        bigint           not null default 0,
  primary key (tenant_id, grain, dimension, bucket, notification_type, channel, value)
) with (fillfactor = 80);

-- Events that may bring a notification, or a user in an experiment, to its goal, until src/store/goals/attribute.ts says which. Insert-only.
create table goal_events (
  tenant_id     text collate "C" not null,
  goal_event_id bigint           generated always as identity,
  user_id       text collate "C" not null,
  event_time    timestamptz(3)   not null,
  at            timestamptz(3)   not null default now(),
  targets       json             not null,  -- of each type: ids of the notifications of the time before; of each rule: the time
  primary key (tenant_id, goal_event_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Users that a rule with "split" and a goal has divided: each in the variant of the first decision.
create table exposures (
  tenant_id text collate "C" not null,
  user_id   text collate "C" not null,
  rule      text collate "C" not null,
  variant   text             not null,
  at        timestamptz(3)   not null,
  goal_at   timestamptz(3),             -- time of the event that reached the goal; null: none did
  primary key (tenant_id, user_id, rule)
);

-- Class of a latency, from 0.
create function latency_class(ms double precision) returns integer language sql immutable parallel safe as $$
select width_bucket(ms, array[100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 900000, 3600000, 21600000, 86400000, 604800000]::float8[])
$$;

-- Whether a provider says what became of a message that it accepted. Those with receipts are those of the registry
-- (src/channels/registry.ts), and test/channel-facts.test.ts compares them. What is in an inbox is delivered.
create function confirms_delivery(provider text) returns boolean language sql immutable parallel safe as $$
select provider in ('courier', 'http', 'sendgrid', 'ses', 'twilio', 'inbox')
$$;
create function is_delivered_at_once(provider text) returns boolean language sql immutable parallel safe as $$
select provider = 'inbox'
$$;

-- Counts a delivery that ended, or is no longer at its end, or of which a receipt says more, in the minute in which it ended. That
-- minute is when it was sent: receipts that come late correct the past, and no rate is above 1. Deliveries whose claim
-- sends them are counted by the statement that settles them (src/store/deliveries/settlements.ts), many at once, unless receipts came
-- before.
-- With the rights of the owner: requests cancel deliveries, and count nothing else.
create function count_delivery() returns trigger language plpgsql security definer set search_path from current as $$
begin
  insert into metric_deltas (tenant_id, items)
  select new.tenant_id, json_agg(json_strip_nulls(json_build_object(
    'minute', floor(extract(epoch from d.finished_at) / 60)::int, 'type', d.notification_type, 'channel', d.channel,
    'provider', d.provider, 'account', d.account, 'locale', d.locale, 'variant', d.variant, 'version', d.catalog_version,
    'reason', d.reason_code, 'currency', case when d.cost is not null then d.currency end, 'cost', d.n * d.cost,
    d.status, d.n, 'attempts', d.n * d.attempts,
    'class', case when d.is_out then latency_class(d.ms) end, 'latency_ms', case when d.is_out then (d.n * d.ms)::bigint end,
    'confirmable', case when d.is_delivered or d.receipt_state in ('bounced', 'failed') or d.status = 'sent' and confirms_delivery(d.provider)
                     then d.n end,
    'delivered', case when d.is_delivered then d.n end,
    'unconfirmed', case d.receipt_state when 'unconfirmed' then d.n end,
    'bounced', case d.receipt_state when 'bounced' then d.n end,
    'failed', case d.receipt_state when 'failed' then d.n end,
    'complained', case d.receipt_state when 'complained' then d.n end,
    'opened', case when d.has_opened then d.n end,
    'clicked', case when 'clicked' = any (d.receipt_flags) then d.n end,
    'read', case when 'read' = any (d.receipt_flags) then d.n end,
    'unsubscribed', case when 'unsubscribed' = any (d.receipt_flags) then d.n end)))
  from (
    select *, status in ('sent', 'sandboxed') as is_out, receipt_flags && array['opened', 'clicked', 'read'] as has_opened,
           receipt_state in ('delivered', 'partly_delivered', 'complained')
             or receipt_flags && array['opened', 'clicked', 'read', 'unsubscribed']
             or status = 'sent' and is_delivered_at_once(provider) as is_delivered,
           greatest(0, round(extract(epoch from finished_at - created_at) * 1000))::float8 as ms
    from (
      select -1 as n, old.finished_at, old.created_at, old.notification_type, old.channel, old.provider, old.account, old.locale,
             old.variant, old.catalog_version, old.reason_code, old.currency, old.cost, old.status, old.attempts, old.receipt_state,
             old.receipt_flags
      where old.finished_at is not null
      union all
      select 1, new.finished_at, new.created_at, new.notification_type, new.channel, new.provider, new.account, new.locale,
             new.variant, new.catalog_version, new.reason_code, new.currency, new.cost, new.status, new.attempts, new.receipt_state,
             new.receipt_flags
      where new.finished_at is not null
    ) as version
  ) as d;
  return null;
end $$;
create trigger deliveries_counted after update on deliveries for each row
  when (new.catalog_version is not null and (old.finished_at is not null or new.finished_at is not null)
    and not (old.status = 'sending' and new.started_at is not null and new.receipt_state is null and new.receipt_flags is null)
    and (old.finished_at, old.status, old.provider, old.account, old.reason_code, old.attempts, old.locale, old.variant, old.cost,
         old.currency, old.receipt_state, old.receipt_flags)
      is distinct from
        (new.finished_at, new.status, new.provider, new.account, new.reason_code, new.attempts, new.locale, new.variant, new.cost,
         new.currency, new.receipt_state, new.receipt_flags))
  execute function count_delivery();

-- Counts what an attempt cost that is not the one on its delivery: an earlier one that turned out to have sent the message.
create function count_attempt_cost() returns trigger language plpgsql security definer set search_path from current as $$
begin
  insert into metric_deltas (tenant_id, items)
  select new.tenant_id, json_agg(json_strip_nulls(json_build_object(
    'minute', floor(extract(epoch from a.started_at) / 60)::int, 'type', d.notification_type, 'channel', a.channel,
    'provider', a.provider, 'account', a.account, 'currency', a.currency, 'cost', a.n * a.cost)))
  from (
    select -1 as n, old.tenant_id, old.notification_id, old.channel, old.target, old.started_at, old.provider, old.account, old.currency, old.cost
    where tg_op = 'UPDATE'
    union all
    select 1, new.tenant_id, new.notification_id, new.channel, new.target, new.started_at, new.provider, new.account, new.currency, new.cost
  ) as a
  join deliveries as d using (tenant_id, notification_id, channel, target)
  where a.cost is not null and d.catalog_version is not null
  having count(*) > 0;
  return null;
end $$;
create trigger attempts_cost_added after insert on attempts for each row
  when (new.cost is not null) execute function count_attempt_cost();
create trigger attempts_cost_changed after update on attempts for each row
  when ((old.cost, old.currency, old.provider, old.account, old.started_at)
    is distinct from (new.cost, new.currency, new.provider, new.account, new.started_at))
  execute function count_attempt_cost();


------------------------------------------------------------------------------------------------------------------------
-- Row-level security

-- The second wall between tenants. The login of the API (src/store/pg/api-login.ts) reads and changes only rows of the
-- tenant in the setting tidings.tenant, which each of its statements sets for itself: without it, or with '', there are
-- none. Not forced: the owner of the tables ingests, delivers and runs jobs for all tenants, and loads rows by COPY, which
-- row-level security does not allow.
--
-- The setting is read by a subquery, once for a statement and not for each row. Every table is closed to other logins, also
-- without a policy: partitions, which would be a way around their parent, and tables of the whole installation.
do $$
declare
  name text;
begin
  foreach name in array array[
    'tenants', 'api_keys', 'issuers', 'signing_keys', 'provider_accounts', 'route_moves', 'members', 'idempotency_keys', 'catalogs',
    'templates', 'template_versions', 'template_activations', 'template_tests',
    'active_catalogs', 'releases', 'events', 'event_ids', 'rejected_events', 'users', 'addresses', 'devices', 'erasures',
    'merged_users', 'address_verifications', 'inbox_items', 'inboxes',
    'limit_uses', 'waits', 'schedules', 'notifications', 'deliveries',
    'attempts', 'messages', 'receipts', 'webhook_endpoints', 'provider_messages', 'email_counts', 'email_standings', 'suppressions', 'consents', 'toggles',
    'outbox_events', 'webhook_facts', 'kafka_outbox', 'kafka_topics', 'audit_log', 'jobs', 'job_failures', 'batches', 'batch_recipients', 'circuits', 'circuit_openings',
    'lists', 'list_members', 'kafka_offsets', 'paused_sources', 'connector_secrets', 'connector_tasks', 'user_products',
    'metric_deltas', 'metric_folds', 'metric_rollups', 'goal_events', 'exposures'
  ] loop
    execute format('alter table %I enable row level security', name);
    execute format(
      'create policy own_tenant on %I using (tenant_id = (select current_setting(''tidings.tenant'', true)))', name);
  end loop;
  foreach name in array array[
    'events_default', 'notifications_default', 'deliveries_default', 'attempts_default', 'messages_default', 'receipts_default',
    'held_receipts', 'sessions', 'login_attempts', 'quotas', 'rate_limits', 'leases', 'metadata', 'catalog_contents',
    'catalog_files'
  ] loop
    execute format('alter table %I enable row level security', name);
  end loop;
end $$;

-- An outage of the installation holds up every tenant without an account of its own.
create policy installation_circuits on circuits for select using (tenant_id is null and domain is null);

-- A tenant sees the use of the limits of its own accounts.
create policy limits_of_own_accounts on rate_limits for select
  using (starts_with(limit_id, 'account ' || (select nullif(current_setting('tidings.tenant', true), '')) || '/'));

-- A content is read through the versions that have it.
create policy own_catalogs on catalog_contents for select
  using (exists (select from catalogs where catalogs.content_hash = catalog_contents.content_hash));
create policy own_files on catalog_files for select
  using (exists (select from catalogs where catalogs.files_hash = catalog_files.files_hash));

-- Names of workers, and times: whether what is being sent is still being sent.
create policy all_leases on leases for select using (true);

-- The tenant of an installation that has only one.
insert into tenants (tenant_id, name) values ('default', 'Default');

-- Tells this schema from those of development versions before it, which cannot be upgraded (src/store/pg/migrate.ts).
insert into metadata (name, value) values ('baseline', '1');
