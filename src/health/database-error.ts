import { getSqlState, isUnreachable } from '../store/pg/errors.ts';

const CAUSES: readonly (readonly [codes: RegExp, cause: string, hint: string])[] = [
  [
    /^53100$/,
    'PostgreSQL reports that its disk is full',
    'free or add space for the data directory of PostgreSQL; nothing is lost, and work continues by itself',
  ],
  [
    /^53300$/,
    'PostgreSQL has no connection left',
    'raise max_connections, or end the sessions of other programs (pg_stat_activity)',
  ],
  [/^53/, 'PostgreSQL is out of a resource', 'look at the log and the memory of PostgreSQL'],
  [/^57P0/, 'PostgreSQL is starting or stopping', 'wait until it has started, or start it'],
  [/^25006$/, 'PostgreSQL is read-only: it is a standby', 'let DATABASE_URL lead to the primary'],
  [
    /^(28...|3D000)$/,
    'PostgreSQL rejects the login',
    'correct the user, the password and the database of DATABASE_URL',
  ],
  [
    /^42501$/,
    'a privilege is missing in PostgreSQL',
    'grant the role of DATABASE_URL all privileges on the tables of Tidings',
  ],
  [
    /^(57014|55P03)$/,
    'PostgreSQL has not responded in time',
    'look at its load and at the locks of other sessions (pg_stat_activity)',
  ],
];

/**
 * Describes why a statement failed and what helps, by the code of the error alone: its message may name hosts, users and
 * values.
 */
export function describeDatabaseError(error: unknown): { readonly cause: string; readonly hint: string } {
  const code = getSqlState(error);
  const [, cause, hint] = CAUSES.find(([codes]) => codes.test(code)) ?? [];
  if (cause !== undefined && hint !== undefined) return { cause, hint };
  const suffix = code === 'undefined' ? '' : ` (${code})`;
  return isUnreachable(error)
    ? {
        cause: `PostgreSQL cannot be reached${suffix}`,
        hint: 'start it, or correct DATABASE_URL; Tidings connects again by itself',
      }
    : { cause: `the check failed${suffix}`, hint: 'look at the log of this process and of PostgreSQL' };
}
