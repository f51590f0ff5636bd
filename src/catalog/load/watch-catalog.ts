import { relative } from 'node:path';
import { watch } from 'chokidar';
import type { Millis } from '../../model/event.ts';
import { isCatalogFile } from './load-catalog-files.ts';

const DEFAULT_QUIET_MS: Millis = 150;

export interface WatchOptions {
  /** Time (ms) without a further change before `onChange` is called: an editor or a checkout writes many files at once. */
  readonly quiet?: Millis;
  /** Called if the folder can no longer be watched, and if `onChange` fails. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Calls `onChange` after a file of the catalog was changed, added or removed. Calls never overlap: changes during a call
 * cause one more call. Meant for development.
 *
 * @returns a function that stops watching, and resolves when a call in progress is done
 */
export async function watchCatalog(
  dir: string,
  onChange: () => Promise<void> | void,
  options: WatchOptions = {},
): Promise<() => Promise<void>> {
  const { quiet = DEFAULT_QUIET_MS, onError = () => {} } = options;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  let isStopped = false;

  const runOnChange = async () => {
    if (isStopped) return;
    try {
      await onChange();
    } catch (error) {
      onError(error);
    }
  };
  const schedule = (_event: string, path: string) => {
    if (isStopped || !isCatalogFile(relative(dir, path))) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running.then(runOnChange);
    }, quiet);
  };

  const watcher = watch(dir, { ignoreInitial: true, ignored: (path) => isHidden(relative(dir, path)) });
  watcher.on('error', onError);
  await new Promise<void>((resolve) => watcher.once('ready', resolve));
  watcher.on('all', schedule);

  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await watcher.close();
    await running;
  };
}

function isHidden(path: string): boolean {
  return path
    .split(/[/\\]/)
    .some((segment) => segment === 'node_modules' || (segment.startsWith('.') && !/^\.+$/.test(segment)));
}
