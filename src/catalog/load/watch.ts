import { relative } from 'node:path';
import { watch } from 'chokidar';
import type { Millis } from '../../model/event.ts';
import { isCatalogFile } from './load.ts';

export interface WatchOptions {
  /** How long it must be quiet after a change, in milliseconds: an editor or a checkout writes many files at once. */
  readonly quiet?: Millis;
  /** The folder cannot be watched any more, or `onChange` failed. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Calls `onChange` after a file of the catalog changed, came or went. Calls never overlap: what changes during one is told by
 * one more. For development.
 *
 * @returns a function that stops watching, and resolves when the last call is done
 */
export async function watchCatalog(
  dir: string,
  onChange: () => Promise<void> | void,
  options: WatchOptions = {},
): Promise<() => Promise<void>> {
  const { quiet = 150, onError = () => {} } = options;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  let stopped = false;

  const call = async () => {
    if (stopped) return;
    try {
      await onChange();
    } catch (error) {
      onError(error);
    }
  };
  const changed = (_event: string, path: string) => {
    if (stopped || !isCatalogFile(relative(dir, path))) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running.then(call);
    }, quiet);
  };

  const watcher = watch(dir, { ignoreInitial: true, ignored: (path) => isHidden(relative(dir, path)) });
  watcher.on('error', onError);
  await new Promise<void>((resolve) => watcher.once('ready', resolve));
  watcher.on('all', changed);

  return async () => {
    stopped = true;
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
