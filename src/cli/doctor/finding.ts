import { ConfigError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';

/** `warn`: it works, and you should look. `fail`: it does not work. `skip`: not checked, because something else failed. */
export type FindingStatus = 'ok' | 'warn' | 'fail' | 'skip';

/** Result of one check of `tidings doctor`. */
export interface Finding {
  readonly check: string;
  readonly status: FindingStatus;
  /** One line about what was found, without secrets. */
  readonly detail: string;
  /** The remedy; absent: nothing is to be done. */
  readonly advice?: string;
}

/** Time (ms) after which a check that does not end counts as failed. */
const MAX_CHECK_MS: Millis = 15_000;

export type Verdict = Omit<Finding, 'check'>;

export function ok(detail: string): Verdict {
  return { status: 'ok', detail };
}

export function warn(detail: string, advice: string): Verdict {
  return { status: 'warn', detail, advice };
}

export function fail(detail: string, advice: string): Verdict {
  return { status: 'fail', detail, advice };
}

/** Runs a check. One that throws, or takes longer than MAX_CHECK_MS, has failed. */
export async function runCheck(check: string, work: () => Verdict | Promise<Verdict>): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Verdict>((resolve) => {
    const verdict = fail(
      `no result within ${MAX_CHECK_MS / 1000} s`,
      'look at the load of the machine and of the database',
    );
    timer = setTimeout(() => resolve(verdict), MAX_CHECK_MS);
  });
  try {
    return { check, ...(await Promise.race([work(), late])) };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const detail = message || code || 'unknown error';
    // The message of a ConfigError says what to do.
    return { check, status: 'fail', detail, ...(error instanceof ConfigError ? {} : { advice: 'see the message' }) };
  } finally {
    clearTimeout(timer);
  }
}
