import { type HealthCheck, OK } from './check.ts';

/** The scheduled dumps of this process. */
export interface Dumps {
  /** Message of the latest dump if it failed; null: it did not. */
  readonly failure: string | null;
}

/** Checks that the latest scheduled dump succeeded. */
export function checkDumps(dumps: Dumps): HealthCheck {
  return {
    name: 'dumps',
    maxAge: 0,
    whenUnknown: 'degraded',
    run() {
      if (dumps.failure === null) return OK;
      // The rest of the message may name files.
      const code = /^[A-Z][A-Z0-9_]+(?=:)/.exec(dumps.failure)?.[0];
      return {
        status: 'degraded',
        cause: `the latest scheduled dump failed${code === undefined ? '' : ` (${code})`}`,
        hint: 'look at the log, and at the room and the permissions of TIDINGS_DUMP_DIR; it is tried again every minute, and the dumps that exist stay',
      };
    },
  };
}
