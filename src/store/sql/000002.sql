-- Delivery in two row versions instead of four.
--
-- Claiming a delivery used to write into its indexes and settling it a row of attempts. Now no index names a column that
-- a claim changes, so PostgreSQL keeps the claimed version on the same page and the indexes as they are (HOT); a worker's
-- lease is one row, however much it holds; and the attempt that delivered, which is the only one of most deliveries,
-- stands on the delivery itself.

-- What a worker holds (deliveries 'sending' with its name) is its own until lease_until. The heartbeat moves that on.
create table leases (
  worker      text collate "C" primary key,
  lease_until timestamptz(3)   not null
);
insert into leases select worker, max(lease_until) from deliveries where status = 'sending' group by worker;

drop index deliveries_due, deliveries_leased, deliveries_stopped;

-- With lease_until goes the check that named it.
alter table deliveries
  drop column lease_until,
  add column started_at  timestamptz(3),  -- these three: the attempt that delivered; all others are rows of attempts
  add column duration_ms integer,
  add column response    text,
  add check (status <> 'sending' or worker is not null),
  add check (status = 'sent' or started_at is null),
  add check ((started_at is null) = (duration_ms is null));

-- The queue. What is being sent is in it too, at its front, and is passed over: there is never much of it.
create index deliveries_open on deliveries (channel, due_at) where finished_at is null;
-- What ended otherwise than by being sent. (Not by status: an index that names it would be written by each claim.)
create index deliveries_stopped on deliveries (tenant_id, notification_id) where finished_at is not null and started_at is null;

-- Room on the page for the claimed version. New months: src/store/pg/partitions.ts.
do $$
declare part regclass;
begin
  for part in select inhrelid::regclass from pg_inherits where inhparent = 'deliveries'::regclass loop
    execute format('alter table %s set (fillfactor = 40)', part);
  end loop;
end $$;

-- Every attempt, wherever it stands.
create view all_attempts as
select tenant_id, notification_id, channel, attempt, provider, worker, started_at, duration_ms, outcome, reason, response,
       provider_message_id
from attempts
union all
select tenant_id, notification_id, channel, attempts, provider, worker, started_at, duration_ms, 'delivered', null, response,
       provider_message_id
from deliveries where started_at is not null;
