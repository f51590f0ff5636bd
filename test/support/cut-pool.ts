import type pg from 'pg';

/** Returns a pool whose connections die, as with a killed process, after so many statements. */
export function cutAfter(pool: pg.Pool, statements: number): pg.Pool {
  let left = statements;
  const cut = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name === 'query') {
          return (...args: unknown[]) => {
            if (left-- <= 0) {
              const error = new Error('the process was killed');
              const [asked] = args as { handleError?(error: Error): void }[];
              // A query that is no text gets its errors itself.
              if (!asked?.handleError) return Promise.reject(error);
              asked.handleError(error);
              return asked;
            }
            return (value as (...given: unknown[]) => unknown).apply(target, args);
          };
        }
        if (name === 'connect') return async () => cut(await pool.connect());
        // The session ends with the process: what it has not committed is undone.
        if (name === 'release') return () => (value as (destroy: boolean) => void).call(target, true);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  return cut(pool);
}
