-- Rules that wait, rules that act by themselves, and what became of notifications as events.

-- A rule that waits for one person and key. What ends it commits in one transaction with its end.
--
--   (a trigger) ──▶ waiting ──due_at has come──▶ fired       (decisions: what it came to)
--                    │   ▲ │
--                    │   └─┘ a later trigger moves it: due_at, trigger_time, state
--                    ├──an event, a rule, a later trigger──▶ cancelled   (the decision stands on that event)
--                    └──by command───────────────────────▶ cancelled   (decisions: catalog_changed)
--
-- A turn of a recurring rule is inserted as fired: its id says that the person has had it.
create table waits (
  tenant_id       text collate "C" not null,
  user_id         text collate "C" not null,
  wait_id         uuid             not null,  -- of the rule, the person and the trigger
  rule            text collate "C" not null,
  key             text collate "C" not null,  -- the value of the rule's key; empty without one
  kind            text             not null check (kind in ('delay', 'at', 'unless', 'debounce', 'digest', 'every')),
  catalog_version integer          not null,  -- it ends by the catalog it began with
  status          text             not null check (status in ('waiting', 'fired', 'cancelled')),
  trigger_time    timestamptz(3)   not null,
  due_at          timestamptz(3)   not null,
  began_at        timestamptz(3)   not null,
  ended_at        timestamptz(3),
  state           json             not null,  -- WaitState of src/rules/facts.ts
  decisions       json,                       -- of its end, in the short form of src/store/decisions.ts
  claimed_until   timestamptz(3),             -- a worker is about to end it; past: take it again
  primary key (tenant_id, user_id, wait_id),
  check ((status = 'waiting') = (ended_at is null)),
  check (status <> 'waiting' or decisions is null),
  check (status = 'waiting' or claimed_until is null)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- The queue, over all tenants.
create index waits_due on waits (due_at) where status = 'waiting';
-- What is open for a person; and who waits in a rule, without a look at the rows.
create index waits_open on waits (tenant_id, user_id, due_at) include (rule) where status = 'waiting';
-- The latest of a rule and key, ended ones too.
create index waits_latest on waits (tenant_id, user_id, rule, key, trigger_time desc);
-- Newest first; only ever written at its end.
create index waits_began on waits (tenant_id, began_at, wait_id);

-- A wait ends once. Who finds it ended has decided on what is no longer so, and does it again (40001).
create function refuse_ended_wait() returns trigger language plpgsql as $$
begin
  raise exception 'wait % has ended already', old.wait_id using errcode = 'serialization_failure';
end $$;
create trigger waits_end_once before update on waits
  for each row when (old.status <> 'waiting') execute function refuse_ended_wait();

-- When a recurring rule acts next. One row for each zone its people live in; one in all where the rule names its zone.
-- While its people have their turns, next_at stays and cursor is the last one who had it.
create table schedules (
  tenant_id     text collate "C" not null,
  rule          text collate "C" not null,
  zone          text collate "C" not null,
  cron          text             not null,
  next_at       timestamptz(3)   not null,
  cursor        text collate "C",
  claimed_until timestamptz(3),
  primary key (tenant_id, rule, zone)
);
create index schedules_due on schedules (next_at);

-- What became of notifications, on its way to the rules that listen to it. Written in the statement that settles the
-- delivery, taken in as an event like any other, then deleted. A second time is refused by its event_id.
create table outbox_events (
  tenant_id     text collate "C" not null,
  user_id       text collate "C" not null,
  event_id      text collate "C" not null,
  event         json             not null,  -- as it would be posted
  due_at        timestamptz(3)   not null,
  claimed_until timestamptz(3),
  primary key (tenant_id, event_id)
);
create index outbox_events_due on outbox_events (due_at);

-- The person's own zone where it is a known one: who lives in it is asked when a rule acts by local time.
alter table users add column zone text collate "C";
do $$
begin
  -- Once over everybody: what is right for single look-ups (see openPool) is not right here.
  set local enable_seqscan = on;
  set local enable_hashjoin = on;
  update users set zone = known.name
  from pg_timezone_names as known
  where known.name = users.traits ->> 'time_zone' and known.name !~ '^(posix|right)/|^(localtime|posixrules|Factory)$';
end $$;
create index users_zone on users (tenant_id, zone, user_id);
