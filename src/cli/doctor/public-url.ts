import { PUBLIC_URL_HEADER } from '../../model/public-url.ts';
import { fail, ok, type Verdict, warn } from './finding.ts';

const MAX_WAIT_MS = 5000;
const MAX_BYTES = 64 * 1024;
const ADVICE = 'let the name lead to this installation, or correct TIDINGS_PUBLIC_URL';

/**
 * Checks that the public URL leads to Tidings, and that requests to it show it: providers report to it, and readers unsubscribe there.
 * @param url as configured; null: none is
 * @param isNeeded whether there is an account of the installation or a sender of email
 */
export async function checkPublicUrl(url: string | null, isNeeded: boolean): Promise<Verdict> {
  if (url === null) {
    if (!isNeeded) return ok('not set, and no account of the installation and no sender of email needs it');
    const detail =
      'TIDINGS_PUBLIC_URL is not set: providers cannot report what became of messages, and no one can unsubscribe';
    return warn(detail, 'set it to the https:// URL under which this installation is reached from outside');
  }
  if (!url.startsWith('https://')) {
    return warn(`${url} is reached from this machine only`, 'set TIDINGS_PUBLIC_URL to an https:// URL');
  }
  let response: Response;
  try {
    const signal = AbortSignal.timeout(MAX_WAIT_MS);
    response = await fetch(`${url}/healthz/live`, { signal, redirect: 'manual' });
  } catch (error) {
    return fail(`${url} cannot be reached (${describe(error)})`, ADVICE);
  }
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    return fail(`${url} redirects, and providers do not follow`, 'set TIDINGS_PUBLIC_URL to where it leads in the end');
  }
  if (!(await isTidings(response))) return fail(`another program responds at ${url}`, ADVICE);
  const said = response.headers.get(PUBLIC_URL_HEADER) ?? 'agrees';
  if (said === 'agrees') return ok(`${url} leads to Tidings`);
  const advice =
    'let the proxy pass on Host, or X-Forwarded-Host, and X-Forwarded-Proto as they were; or correct TIDINGS_PUBLIC_URL of the server';
  return warn(`requests to ${url} show another URL to Tidings, by ${said.slice(0, 100)}`, advice);
}

function describe(error: unknown): string {
  const { name, cause } = error as Error & { readonly cause?: NodeJS.ErrnoException };
  return name === 'TimeoutError' ? `no answer within ${MAX_WAIT_MS / 1000} s` : (cause?.code ?? cause?.message ?? name);
}

/** Reads at most MAX_BYTES. */
async function isTidings(response: Response): Promise<boolean> {
  if (!(response.headers.get('content-type') ?? '').includes('json')) {
    await response.body?.cancel();
    return false;
  }
  try {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MAX_BYTES) return false;
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8')).status === 'live';
  } catch {
    return false;
  }
}
