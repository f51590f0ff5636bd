import pg from 'pg';
import { isUnreachable } from './errors.ts';
import { isPooled } from './pooled-client.ts';

/** Sets the tenant for the rest of the transaction. Prepared by `prepareTenantSession`. */
const SET_TENANT = { name: 'set-tenant', text: "select set_config('tidings.tenant', $1, true)" };

/** Statements that control a transaction. They read no rows, and the last of them must work in one that has failed. */
const CONTROL = /^\s*(commit|rollback|savepoint|release|set)\b/i;
const BEGIN = /^\s*(begin|start\s+transaction)\b[^;]*/i;

/** Prepares a new session of the API login for the statements of tenants. */
export async function prepareTenantSession(session: pg.ClientBase): Promise<void> {
  await session.query({ ...SET_TENANT, values: [''] });
}

/**
 * Returns a pool whose statements read and change only rows of one tenant, under row-level security.
 *
 * The tenant is set with each statement, in its transaction and in the same round trip: outside of `begin`, what is sent up to
 * the end of a round trip is one transaction. So no session keeps a tenant, and none can be found with that of another.
 *
 * Only `query` and `connect` exist, which is what the functions of the store use, and of a connection `query` and `release`.
 * A text is one statement, except one that begins a transaction.
 *
 * @param pool of the API login, opened with `prepareTenantSession`
 */
export function tenantPool(pool: pg.Pool, tenantId: string): pg.Pool {
  const tenant: TenantPool = {
    async query(config, values) {
      const session = await pool.connect();
      try {
        const result = await runAs(session, tenantId, config, values);
        session.release();
        return result;
      } catch (error) {
        session.release(isUnreachable(error));
        throw error;
      }
    },
    async connect() {
      const session = await pool.connect();
      return {
        query: (config, values) => runAs(session, tenantId, config, values),
        // A transaction that was left open is not given to the next caller.
        release: (destroy) => session.release(destroy || session.getTransactionStatus() !== 'I'),
      };
    },
  };
  return tenant as unknown as pg.Pool;
}

interface TenantPool {
  query(config: QueryInput, values?: unknown[]): Promise<unknown>;
  connect(): Promise<{
    query(config: QueryInput, values?: unknown[]): unknown;
    release(destroy?: Error | boolean): void;
  }>;
}

type QueryInput = string | pg.QueryConfig | pg.Submittable;

function runAs(session: pg.PoolClient, tenantId: string, config: QueryInput, values?: unknown[]): unknown {
  // Several statements in one round trip (pipeline.ts), inside a transaction, whose begin has set the tenant.
  if (typeof config === 'object' && 'submit' in config) return session.query(config);
  const statement: pg.QueryConfig = typeof config === 'string' ? { text: config } : config;
  const setTenant = `select set_config('tidings.tenant', ${pg.escapeLiteral(tenantId)}, true)`;
  if (BEGIN.test(statement.text)) {
    return session.query(statement.text.replace(BEGIN, (begin) => `${begin}; ${setTenant}`));
  }
  if (CONTROL.test(statement.text)) return session.query(statement);
  return new Promise((resolve, reject) => {
    const query = new pg.Query(extended(statement), values ?? statement.values ?? [], (error, result) => {
      if (error) {
        // Otherwise the trace ends in the driver.
        Error.captureStackTrace(error, runAs);
        reject(error);
      } else resolve(result);
    });
    setTenantBefore(query, tenantId);
    session.query(query);
  });
}

/**
 * Has a statement sent in the protocol that allows another one before it, also without values, and prepared under a name:
 * planning it with its policies takes longer than running it.
 */
function extended(statement: pg.QueryConfig): pg.QueryConfig {
  return { name: getStatementName(statement.text), ...statement, queryMode: 'extended' } as pg.QueryConfig;
}

/** Statements without a name of their own that are prepared in a session; others are planned each time. */
const MAX_PREPARED_TEXTS = 200;

const names = new Map<string, string>();

/** Returns the name under which a text is prepared; undefined: MAX_PREPARED_TEXTS others are. */
function getStatementName(text: string): string | undefined {
  let name = names.get(text);
  if (name === undefined && names.size < MAX_PREPARED_TEXTS) {
    name = `of-tenant-${names.size}`;
    names.set(text, name);
  }
  return name;
}

/** The parts of node-postgres' Connection and Query that send and receive messages; its types do not have them. */
interface Wire {
  parse(message: { name: string; text: string }): void;
  bind(message: { statement: string; values: readonly string[] }): void;
  execute(message: object): void;
}
interface WireQuery {
  prepare(connection: Wire): void;
  handleDataRow(message: object): void;
  handleCommandComplete(message: object, connection: Wire): void;
}

/** Has a query send SET_TENANT before its own messages, and skip the response to it. */
function setTenantBefore(query: pg.Query, tenantId: string): void {
  const wire = query as unknown as WireQuery;
  const { prepare, handleDataRow, handleCommandComplete } = wire;
  let isSet = false;
  wire.prepare = (connection) => {
    const isPrepared = !isPooled(connection);
    if (!isPrepared) connection.parse({ name: '', text: SET_TENANT.text });
    connection.bind({ statement: isPrepared ? SET_TENANT.name : '', values: [tenantId] });
    connection.execute({});
    prepare.call(wire, connection);
  };
  wire.handleDataRow = (message) => {
    if (isSet) handleDataRow.call(wire, message);
  };
  wire.handleCommandComplete = (message, connection) => {
    if (isSet) handleCommandComplete.call(wire, message, connection);
    isSet = true;
  };
}
