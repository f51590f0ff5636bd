import { type Finding, fail, ok, warn } from './finding.ts';

const TIMEOUT_MS = 5000;

interface Ready {
  readonly status: string;
  readonly checks?: readonly {
    readonly name: string;
    readonly status: string;
    readonly cause?: string;
    readonly hint?: string;
  }[];
}

/**
 * Asks a running Tidings for its health: one finding for the server, and one for each of its parts that is not ok.
 * @param isNeeded whether the caller has named this server; otherwise one that does not run is only worth a warning
 */
export async function checkServer(base: string, isNeeded: boolean): Promise<Finding[]> {
  let ready: Ready;
  try {
    const response = await fetch(`${base}/healthz/ready`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    });
    ready = (await response.json()) as Ready;
    if (typeof ready.status !== 'string') throw new SyntaxError('not the health of Tidings');
  } catch (error) {
    // Something answered, but not with the health of Tidings.
    const isOther = error instanceof SyntaxError;
    const detail = isOther ? `another program than Tidings responds at ${base}` : `no Tidings responds at ${base}`;
    const advice = 'start it with npm start, or set TIDINGS_URL or --profile to where it runs';
    return [{ check: 'server', ...(isNeeded ? fail(detail, advice) : warn(detail, advice)) }];
  }
  const parts = (ready.checks ?? []).filter(({ status }) => status !== 'ok');
  const isUp = ready.status === 'ready' || ready.status === 'degraded';
  const verdict = isUp
    ? ok(`Tidings at ${base} is ${ready.status}`)
    : fail(`Tidings at ${base} is ${ready.status}`, 'see the parts below, and its log');
  return [
    { check: 'server', ...verdict },
    ...parts.map(({ name, status, cause = status, hint = 'see the log of the server' }) => ({
      check: `server: ${name}`,
      ...(status === 'failing' ? fail(cause, hint) : warn(cause, hint)),
    })),
  ];
}
