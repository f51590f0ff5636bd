-- Whose a refused event was, where it says so: support asks by person. A keyed hash, as an address may stand in any field of
-- what was refused. Those that were refused before have none.
alter table rejected_events add column user_hash text collate "C";
create index rejected_events_person on rejected_events (tenant_id, user_hash, last_at) where user_hash is not null;
