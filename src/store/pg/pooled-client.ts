import pg from 'pg';

/** Connections whose server connection may be another one for each transaction. */
const pooled = new WeakSet<object>();

/** Returns whether a statement that was prepared on this connection may be missing in its next transaction. */
export function isPooled(connection: object): boolean {
  return pooled.has(connection);
}

/**
 * A connection through a pooler that lends a server connection for one transaction at a time. Statements are sent without their
 * names: what one server connection has prepared, the next one does not have.
 */
export class PooledClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    pooled.add((this as unknown as { readonly connection: object }).connection);
    // The overloads of `query` have no common signature that a subclass could declare.
    const query = this.query.bind(this) as (...args: unknown[]) => unknown;
    this.query = ((config: unknown, ...rest: unknown[]) => query(withoutName(config), ...rest)) as typeof this.query;
  }
}

/** A statement is copied, because its caller may send it again elsewhere; a query of the driver is sent once. */
function withoutName(config: unknown): unknown {
  if (typeof config !== 'object' || config === null || !('name' in config)) return config;
  if ('submit' in config) return Object.assign(config, { name: undefined });
  return { ...config, name: undefined };
}
