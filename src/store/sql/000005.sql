-- A plan that is made while this table holds next to nothing sees no difference between its indexes, and is kept while the
-- table grows (see openPool): a look-up of one person by the index of the whole queue. So an index that a person's look-up
-- must not take has a condition that only its own statements name; '-infinity' stands for "any", it is always so.
drop index waits_due, waits_latest, waits_began;

-- The queue, over all tenants.
create index waits_due on waits (due_at) where status = 'waiting' and due_at > '-infinity';
-- The latest of a rule and key that have ended. What is open: waits_open.
create index waits_latest on waits (tenant_id, user_id, rule, key, trigger_time desc) where status <> 'waiting';
-- Newest first; only ever written at its end.
create index waits_began on waits (tenant_id, began_at, wait_id) where began_at > '-infinity';
