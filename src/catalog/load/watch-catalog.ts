import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Millis } from '../../model/event.ts';
import { listCatalogPaths } from './load-catalog-files.ts';

/** Pause (ms) between two looks at the folder. */
const DEFAULT_POLL_MS: Millis = 500;
/** Looks take at most a tenth of the time, however large the folder is. */
const PAUSES_PER_LOOK = 9;
/** Pause (ms) before `onChange` is called again after it has failed. */
const DEFAULT_RETRY_MS: Millis = 10_000;
const DEFAULT_QUIET_MS: Millis = 200;

export interface WatchOptions {
  /** Fingerprint of the folder as it was last read. Default: as it is now. */
  readonly since?: string;
  /** Time (ms) without a further change before `onChange` is called: an editor or a checkout writes many files at once. */
  readonly quiet?: Millis;
  readonly poll?: Millis;
  readonly retry?: Millis;
  /** Called if `onChange` fails; it is called again later. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Calls `onChange` after a file of the catalog was changed, added or removed, the folder was replaced or removed, or a
 * symbolic link on the way to it was changed. Calls never overlap: changes during a call cause one more call.
 *
 * It compares fingerprints of the folder. Notifications of the file system miss a folder that is replaced, links that are
 * swapped (a ConfigMap of Kubernetes), and changes on network and container mounts.
 *
 * @returns a function that stops watching, and resolves when a call in progress is done
 */
export async function watchCatalog(
  dir: string,
  onChange: () => Promise<void> | void,
  options: WatchOptions = {},
): Promise<() => Promise<void>> {
  const { quiet = DEFAULT_QUIET_MS, poll = DEFAULT_POLL_MS, retry = DEFAULT_RETRY_MS, onError = () => {} } = options;
  const stopping = new AbortController();
  const sleep = (ms: Millis) => pause(ms, undefined, { signal: stopping.signal }).catch(() => {});
  let reported = options.since ?? (await fingerprintCatalog(dir));

  const run = async () => {
    let last = reported;
    let retryAt = Number.POSITIVE_INFINITY;
    while (!stopping.signal.aborted) {
      const startedAt = performance.now();
      const current = await fingerprintCatalog(dir);
      const took = performance.now() - startedAt;
      // A folder that is being written looks different each time: it counts once two looks agree.
      const isSettled = current === last;
      last = current;
      const isWanted = current !== reported || performance.now() >= retryAt;
      if (isSettled && isWanted && !stopping.signal.aborted) {
        reported = current;
        retryAt = Number.POSITIVE_INFINITY;
        try {
          await onChange();
        } catch (error) {
          retryAt = performance.now() + retry;
          onError(error);
        }
      }
      await sleep(Math.max(isSettled ? poll : quiet, took * PAUSES_PER_LOOK));
    }
  };
  const done = run();
  return async () => {
    stopping.abort();
    await done;
  };
}

/**
 * Returns a text that differs if a file of the catalog has changed, or another file is in its place. It reads no contents:
 * the number of the file, its size and the time of its last change (in ns, of its contents and of its entry) tell them apart.
 * Of a folder that cannot be read, it is the reason. Never rejects.
 */
export async function fingerprintCatalog(dir: string): Promise<string> {
  try {
    const hash = createHash('sha256');
    for (const path of await listCatalogPaths(dir)) {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      hash.update(`${relative(dir, path)}\0${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}\0`);
    }
    return hash.digest('hex');
  } catch (error) {
    return `error ${(error as NodeJS.ErrnoException).code ?? ''} ${(error as Error).message}`;
  }
}
