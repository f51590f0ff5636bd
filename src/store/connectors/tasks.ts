import type pg from 'pg';
import type { ConnectorKind, TaskState } from '../../model/connector.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { type ClaimedRow, claimRows, describeQueue } from '../pg/claim.ts';
import type { Statement } from '../pg/pipeline.ts';
import type { Connection } from '../pg/pool.ts';
import { QueueLanes } from '../pg/queue-lanes.ts';

/** Channel on which new tasks are announced in this process; others poll. */
export const TASKS_CHANNEL = 'tidings_connectors';

/** A task of a connector as it is written. */
export interface NewTask {
  readonly taskId: string;
  readonly connector: string;
  readonly kind: ConnectorKind;
  readonly userId: string;
  /** Null: of an import. */
  readonly productId: string | null;
}

/** A task that a worker has claimed. */
export interface ClaimedTask extends NewTask {
  readonly tenantId: string;
  /** Attempts that failed since it began, or was retried by command. */
  readonly attempts: number;
  /** Attempts in all. */
  readonly calls: number;
  readonly createdAt: Millis;
  /** Tells the claim from a later one. */
  readonly claimedUntil: Millis;
}

/** A task as it is listed. */
export interface StoredTask extends NewTask {
  readonly state: TaskState;
  readonly attempts: number;
  readonly calls: number;
  readonly failureCode: string | null;
  readonly failure: string | null;
  readonly createdAt: Millis;
  readonly dueAt: Millis;
  readonly endedAt: Millis | null;
}

/** Returns the statement that writes tasks that are due now. One that is there is not written again. */
export function insertTasksStatement(tenantId: string, tasks: readonly NewTask[], now: Millis): Statement {
  return { name: 'insert-connector-tasks', text: INSERT, values: toInsertValues(tenantId, tasks, now) };
}

const INSERT = `insert into connector_tasks (tenant_id, task_id, connector, kind, user_id, product_id, created_at, due_at)
  select $1, i, c, k, u, p, $2, $2 from json_to_recordset($3) as r(i uuid, c text, k text, u text, p text)
  on conflict (tenant_id, task_id) do nothing`;

function toInsertValues(tenantId: string, tasks: readonly NewTask[], now: Millis): [string, string, string] {
  const rows = tasks.map(({ taskId, connector, kind, userId, productId }) => ({
    ...{ i: taskId, c: connector, k: kind },
    ...{ u: userId, p: productId },
  }));
  return [tenantId, isoTime(now), JSON.stringify(rows)];
}

/** Writes tasks that are due now. Returns how many are new. */
export async function insertTasks(
  connection: Connection,
  tenantId: string,
  tasks: readonly NewTask[],
  now: Millis,
): Promise<number> {
  if (tasks.length === 0) return 0;
  const { rowCount } = await connection.query(INSERT, toInsertValues(tenantId, tasks, now));
  return rowCount ?? 0;
}

/** Condition of the index connector_tasks_lanes: for statements about a tenant, not for those about the whole queue. */
const IN_LANE = `ended_at is null and due_at > '-infinity'`;

/** Returns the floor and the lanes of the queue, for one process. */
export function createTaskLanes(): QueueLanes {
  return new QueueLanes({
    ...{ name: 'find-lanes-of-connector-tasks', table: 'connector_tasks', dueAt: 'due_at' },
    laneWhere: IN_LANE,
  });
}

interface TaskRow extends ClaimedRow {
  readonly task_id: string;
  readonly connector: string;
  readonly kind: ConnectorKind;
  readonly user_id: string;
  readonly product_id: string | null;
  readonly attempts: number;
  readonly calls: number;
  readonly created_at: Millis;
}

const COLUMNS = 'tenant_id, task_id, connector, kind, user_id, product_id, attempts, calls, created_at, due_at';

const QUEUE = describeQueue({
  ...{ name: 'claim-connector-tasks', table: 'connector_tasks', dueAt: 'due_at' },
  where: 'ended_at is null',
  laneWhere: IN_LANE,
  columns: COLUMNS,
  select: `${COLUMNS} from due order by due_at`,
});

/** Claims tasks until a time; while more are due, an equal share of each tenant. */
export async function claimTasks(
  pool: pg.Pool,
  now: Millis,
  until: Millis,
  limit: number,
  lanes: QueueLanes,
): Promise<ClaimedTask[]> {
  const rows = await claimRows<TaskRow>(pool, QUEUE, { now, until, limit }, lanes);
  return rows.map((row) => ({
    ...toNewTask(row),
    ...{ tenantId: row.tenant_id, attempts: row.attempts, calls: row.calls },
    ...{ createdAt: row.created_at, claimedUntil: until },
  }));
}

function toNewTask(row: Omit<TaskRow, 'tenant_id' | 'due_at'>): NewTask {
  const { task_id: taskId, connector, kind, user_id: userId, product_id: productId } = row;
  return { taskId, connector, kind, userId, productId };
}

/** Returns the user of a task, locked until the end of the transaction; undefined: it is gone, or claimed by another worker. */
export async function lockTask(connection: Connection, task: ClaimedTask): Promise<string | undefined> {
  const { rows } = await connection.query<{ user_id: string }>(
    `select user_id from connector_tasks
     where tenant_id = $1 and task_id = $2 and claimed_until = $3 and ended_at is null for update`,
    [task.tenantId, task.taskId, isoTime(task.claimedUntil)],
  );
  return rows[0]?.user_id;
}

/** Whether a task is still claimed as it was. */
export async function isClaimed(pool: Connection, task: ClaimedTask): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from connector_tasks where tenant_id = $1 and task_id = $2 and claimed_until = $3 and ended_at is null`,
    [task.tenantId, task.taskId, isoTime(task.claimedUntil)],
  );
  return rowCount === 1;
}

/**
 * Returns the user of a task, whichever worker claims it, locked until the end of the transaction; undefined: it is gone, or done.
 */
export async function lockUndoneTask(connection: Connection, task: ClaimedTask): Promise<string | undefined> {
  const { rows } = await connection.query<{ user_id: string }>(
    `select user_id from connector_tasks where tenant_id = $1 and task_id = $2 and state <> 'done' for update`,
    [task.tenantId, task.taskId],
  );
  return rows[0]?.user_id;
}

/** Ends a task that `lockUndoneTask` has locked: it is done. */
export async function completeTask(connection: Connection, task: ClaimedTask, now: Millis): Promise<void> {
  await connection.query(
    `update connector_tasks
     set state = 'done', due_at = $3, failure_code = null, failure = null, calls = calls + 1, claimed_until = null, ended_at = $3
     where tenant_id = $1 and task_id = $2`,
    [task.tenantId, task.taskId, isoTime(now)],
  );
}

/** Gives a claim back: the task is due at once for every worker. */
export async function releaseTask(pool: Connection, task: ClaimedTask): Promise<void> {
  await pool.query(
    `update connector_tasks set claimed_until = null
     where tenant_id = $1 and task_id = $2 and claimed_until = $3 and ended_at is null`,
    [task.tenantId, task.taskId, isoTime(task.claimedUntil)],
  );
}

/** Tasks that one statement puts off. */
const MAX_PUT_OFF = 1000;

/** Puts off a claimed task until a time, and others of its connector that are due and not claimed, which is no attempt. */
export async function putOffTasks(pool: Connection, task: ClaimedTask, now: Millis, until: Millis): Promise<void> {
  const { tenantId, taskId, connector, claimedUntil } = task;
  await pool.query(
    `update connector_tasks set due_at = $5, claimed_until = null
     where ctid = any (array(
       select ctid from connector_tasks
       where tenant_id = $1 and task_id = $2 and claimed_until = $4 and ended_at is null for update
     ) || array(
       select ctid from connector_tasks
       where tenant_id = $1 and connector = $3 and ended_at is null and due_at > '-infinity' and due_at <= $6
         and (claimed_until is null or claimed_until < $6)
       order by due_at limit ${MAX_PUT_OFF} for update skip locked
     ))`,
    [tenantId, taskId, connector, isoTime(claimedUntil), isoTime(until), isoTime(now)],
  );
}

/** Failure of an attempt at a task. */
export interface AttemptFailure {
  /** `open`: it is tried again at `dueAt`. */
  readonly state: Exclude<TaskState, 'done'>;
  readonly dueAt: Millis;
  readonly code: string;
  readonly reason: string;
  /** Whether it counts as an attempt: the service was, or could not be, called. */
  readonly isCounted: boolean;
}

/** Records that an attempt failed. Without effect if the task is gone, or claimed by another worker. */
export async function failAttempt(
  connection: Connection,
  task: ClaimedTask,
  { state, dueAt, code, reason, isCounted }: AttemptFailure,
  now: Millis,
): Promise<void> {
  await connection.query(
    `update connector_tasks
     set state = $4, due_at = $5, failure_code = $6, failure = $7, attempts = attempts + $9, calls = calls + $9, claimed_until = null,
         ended_at = case $4 when 'open' then null else $8::timestamptz end
     where tenant_id = $1 and task_id = $2 and claimed_until = $3 and ended_at is null`,
    [
      ...[task.tenantId, task.taskId, isoTime(task.claimedUntil)],
      ...[state, isoTime(dueAt), code, reason, isoTime(now), isCounted ? 1 : 0],
    ],
  );
}

/** Has tasks of a connector that wait for this reason tried again now, those first that are due first; `limit` at most. */
export async function wakeTasks(
  connection: Connection,
  { tenantId, connector, code }: { readonly tenantId: string; readonly connector: string; readonly code: string },
  limit: number,
  now: Millis,
): Promise<void> {
  await connection.query(
    `update connector_tasks set due_at = $4
     where tenant_id = $1 and task_id = any (array(
       select task_id from connector_tasks
       where tenant_id = $1 and connector = $2 and failure_code = $3 and ${IN_LANE} and due_at > $4
         and (claimed_until is null or claimed_until < $4)
       order by due_at limit $5 for update skip locked))`,
    [tenantId, connector, code, isoTime(now), limit],
  );
}

/** Deletes a task: its user was erased. */
export async function deleteTask(connection: Connection, { tenantId, taskId }: ClaimedTask): Promise<void> {
  await connection.query('delete from connector_tasks where tenant_id = $1 and task_id = $2', [tenantId, taskId]);
}

const VIEW = `task_id, connector, kind, user_id, product_id, state, attempts, calls, failure_code, failure, created_at, due_at,
  ended_at`;

type ViewRow = Omit<TaskRow, 'tenant_id'> & {
  readonly state: TaskState;
  readonly failure_code: string | null;
  readonly failure: string | null;
  readonly ended_at: Millis | null;
};

function toStored(row: ViewRow): StoredTask {
  return {
    ...toNewTask(row),
    ...{ state: row.state, attempts: row.attempts, calls: row.calls },
    ...{ failureCode: row.failure_code, failure: row.failure },
    ...{ createdAt: row.created_at, dueAt: row.due_at, endedAt: row.ended_at },
  };
}

/** Filter of a list of tasks; absent: not by it. */
export interface TaskFilter {
  readonly state?: TaskState | undefined;
  readonly userId?: string | undefined;
  readonly connector?: string | undefined;
  /** Why the last attempt failed. */
  readonly code?: string | undefined;
}

/** Conditions of states, as their indexes have them: dead tasks are few among those that are done. */
const OF_STATE: { readonly [state in TaskState]: string } = {
  open: `state = 'open' and ended_at is null`,
  done: `state = 'done'`,
  dead: `state = 'dead'`,
};

/** Returns tasks, newest first. @param before the last one of the page before; null: from the newest */
export async function listTasks(
  connection: Connection,
  tenantId: string,
  { state, userId, connector, code }: TaskFilter,
  limit: number,
  before: { readonly createdAt: Millis; readonly taskId: string } | null,
): Promise<StoredTask[]> {
  const values: unknown[] = [tenantId, limit];
  const add = (value: unknown) => `$${values.push(value)}`;
  // Only what is asked for is a condition: a plan for all filters at once would read all tasks of the tenant.
  const conditions = [
    'tenant_id = $1',
    ...(state === undefined ? [] : [OF_STATE[state]]),
    ...(userId === undefined ? [] : [`user_id = ${add(userId)}`]),
    ...(connector === undefined ? [] : [`connector = ${add(connector)}`]),
    ...(code === undefined ? [] : [`failure_code = ${add(code)}`]),
    ...(before ? [`(created_at, task_id) < (${add(isoTime(before.createdAt))}, ${add(before.taskId)}::uuid)`] : []),
  ];
  const { rows } = await connection.query<ViewRow>(
    `select ${VIEW} from connector_tasks where ${conditions.join(' and ')} order by created_at desc, task_id desc limit $2`,
    values,
  );
  return rows.map(toStored);
}

/** Opens a dead task again, with all of its attempts. Returns it; undefined: there is no such dead task. */
export async function reopenTask(
  connection: Connection,
  tenantId: string,
  taskId: string,
  now: Millis,
): Promise<StoredTask | undefined> {
  const { rows } = await connection.query<ViewRow>(
    `update connector_tasks set state = 'open', attempts = 0, due_at = $3, ended_at = null, claimed_until = null
     where tenant_id = $1 and task_id = $2 and state = 'dead' returning ${VIEW}`,
    [tenantId, taskId, isoTime(now)],
  );
  return rows[0] && toStored(rows[0]);
}

/** Returns a task; undefined: the tenant lacks it. */
export async function loadTask(
  connection: Connection,
  tenantId: string,
  taskId: string,
): Promise<StoredTask | undefined> {
  const { rows } = await connection.query<ViewRow>(
    `select ${VIEW} from connector_tasks where tenant_id = $1 and task_id = $2`,
    [tenantId, taskId],
  );
  return rows[0] && toStored(rows[0]);
}

/**
 * Opens dead tasks again, the oldest first, with all of their attempts. Returns how many.
 * @param limit tasks at most
 * @param endedUntil only tasks that ended until then: those that end again are not opened once more
 */
export async function reopenTasks(
  connection: Connection,
  tenantId: string,
  { connector, code, endedUntil }: Pick<TaskFilter, 'connector' | 'code'> & { readonly endedUntil: Millis },
  limit: number,
  now: Millis,
): Promise<number> {
  const { rowCount } = await connection.query(
    `update connector_tasks set state = 'open', attempts = 0, due_at = $4, ended_at = null, claimed_until = null
     where tenant_id = $1 and task_id = any (array(
       select task_id from connector_tasks
       where tenant_id = $1 and state = 'dead' and ($2::text is null or connector = $2) and ($3::text is null or failure_code = $3)
         and ended_at <= $6
       order by created_at, task_id limit $5 for update skip locked))`,
    [tenantId, connector ?? null, code ?? null, isoTime(now), limit, isoTime(endedUntil)],
  );
  return rowCount ?? 0;
}

/** Tasks of a state that are counted, at most. */
const MAX_COUNTED = 10_000;

/** Tasks of a connector that are not done, by why their last attempt failed. */
export interface TaskCount {
  readonly connector: string;
  /** Null: no attempt has failed. */
  readonly code: string | null;
  readonly open: number;
  readonly dead: number;
}

/** Returns how many tasks of each connector are open, and how many ended as dead letters; of each state, MAX_COUNTED at most. */
export async function countTasks(connection: Connection, tenantId: string): Promise<TaskCount[]> {
  const { rows } = await connection.query<TaskCount>(
    `select connector, failure_code as code, count(*) filter (where state = 'open')::int as open,
            count(*) filter (where state = 'dead')::int as dead
     from (
       (select connector, state, failure_code from connector_tasks where tenant_id = $1 and ${IN_LANE} limit ${MAX_COUNTED})
       union all
       (select connector, state, failure_code from connector_tasks where tenant_id = $1 and state = 'dead' limit ${MAX_COUNTED})
     ) as counted group by 1, 2 order by 1, dead desc, open desc, 2 nulls first`,
    [tenantId],
  );
  return rows;
}
