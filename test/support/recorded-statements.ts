import pg from 'pg';
import { TENANT } from './tidings.ts';
import { SECRET, type TwoTenants } from './two-tenants.ts';

/** The statements that the API sends, each tried for other tenants. */

/** A statement that the API sent, and what it did: once for its own tenant, and before that for others. */
export interface SentStatement {
  readonly text: string;
  /** Rows returned or changed for the tenant that it was sent for. */
  rows: number;
  /** Leak of a statement: what it showed or changed for another tenant; undefined: nothing. */
  leak: string | undefined;
}

/**
 * Records every statement of tenants that the API sends from now on. Each is first run with the same values for `others`, in
 * transactions that are rolled back.
 */
export async function recordStatements(
  { tidings: { database } }: TwoTenants,
  others: readonly string[],
): Promise<{ readonly sent: readonly SentStatement[]; stop(): Promise<void> }> {
  const { requests } = database.tenants;
  const intruder = new pg.Client({ connectionString: database.apiUrl });
  await intruder.connect();
  await intruder.query('set lock_timeout = 500; set enable_seqscan = off');
  const sent: SentStatement[] = [];
  let isStopped = false;
  let last: Promise<unknown> = Promise.resolve();
  const tryAs = async (tenant: string, asked: string, values: unknown[]) => {
    // The query of a cursor is tried where it is declared.
    if (/^(fetch|close) /.test(asked)) return { rows: [], changed: 0, error: '' };
    // A lock that the transaction of the request may have; there is no row to it.
    if (/^select pg_advisory_xact_lock/.test(asked)) return { rows: [], changed: 0, error: '' };
    const text = asked.replace(/^declare \w+ no scroll cursor for /, '');
    await intruder.query('begin');
    await intruder.query(`select set_config('tidings.tenant', $1, true)`, [tenant]);
    const result = await intruder.query(text, values).then(
      (found) => ({ rows: found.rows, changed: found.command === 'SELECT' ? 0 : (found.rowCount ?? 0), error: '' }),
      (error) => ({ rows: [], changed: 0, error: error.code === '42501' ? '' : `${error.code} ${error.message}` }),
    );
    await intruder.query('rollback');
    return result;
  };
  const tryFor = async (text: string, values: unknown[]) => {
    for (const tenant of others) {
      const { rows, changed, error } = await tryAs(tenant, text, values);
      const leak = error || findShown(rows, values) || (changed ? `${changed} rows` : '');
      if (leak) return `for "${tenant}": ${leak}`;
    }
    // As if the store had forgotten its own condition.
    const unguarded = text.replace(/(\w+\.)?tenant_id = (\$\d+)/g, '$2::text is not null');
    const none = await tryAs('', unguarded, values);
    const own = await tryAs(TENANT, unguarded, values);
    // The transaction of the request may hold a lock of an own row.
    const ownError = own.error.startsWith('55P03') ? '' : own.error;
    const leak = none.error || ownError || findShown(none.rows, values) || (none.changed ? `${none.changed} rows` : '');
    if (leak) return `without its condition: ${leak}`;
    return SECRET.test(JSON.stringify(own.rows)) ? `without its condition: ${JSON.stringify(own.rows)}` : undefined;
  };
  const connect = requests.connect.bind(requests);
  const patched = new WeakSet();
  requests.connect = (async () => {
    const session = await connect();
    if (patched.has(session)) return session;
    patched.add(session);
    const query = session.query.bind(session) as (...given: unknown[]) => unknown;
    session.query = ((...given: unknown[]) => {
      const [config] = given;
      if (isStopped || !(config instanceof pg.Query)) return query(...given);
      const { text, values, callback } = config as unknown as {
        text: string;
        values: unknown[];
        callback: (error: Error | null, result?: pg.QueryResult) => void;
      };
      const statement: SentStatement = { text, rows: 0, leak: undefined };
      sent.push(statement);
      Object.assign(config, {
        callback: (error: Error | null, result?: pg.QueryResult) => {
          statement.rows = result?.rowCount ?? 0;
          callback(error, result);
        },
      });
      last = last
        .then(() => tryFor(text, values))
        .then((leak) => {
          statement.leak = leak;
          query(config);
        });
    }) as typeof session.query;
    return session;
  }) as typeof requests.connect;
  return {
    sent,
    async stop() {
      requests.connect = connect;
      isStopped = true;
      await last;
      await intruder.end();
    },
  };
}

/** Returns what rows show beyond nothing, zero, and the values of the statement itself; undefined: nothing. */
function findShown(rows: readonly object[], values: readonly unknown[]): string | undefined {
  const given = JSON.stringify(values);
  const shown = rows.flatMap((row) => Object.entries(row)).filter(([, value]) => !isNothing(value, given));
  return shown.length === 0 ? undefined : JSON.stringify(shown.slice(0, 3));
}

function isNothing(value: unknown, given: string): boolean {
  if (value === null || value === 0 || value === '0' || value === false || value === '') return true;
  return typeof value === 'string' && given.includes(value);
}
