import { fstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { addMember, listMembers, type ProcessId } from '../../embedded/processes.ts';

/** A process of Tidings that serves from a data directory. */
export interface RunningProcess extends ProcessId {
  /** `start`, `api` or `workers`. */
  readonly command: string;
  /** Address of its API or of its probes. */
  readonly url: string;
  readonly since: string;
  /** The file that its log goes to; null: a terminal, a pipe, or unknown. */
  readonly log: string | null;
}

const FOLDER = 'running';
const STDERR = 2;

/**
 * Records that this process serves, for `tidings stop` and `tidings logs`, until it ends. Does nothing where the data directory
 * cannot be written: serving does not need it then.
 */
export function recordRunning(dataDir: string, { command, url }: Pick<RunningProcess, 'command' | 'url'>): void {
  try {
    const about = { command, url, since: new Date().toISOString(), log: findLogFile() };
    const remove = addMember(join(dataDir, FOLDER), about);
    process.once('exit', remove);
  } catch {
    // A folder that is read-only, as in a container.
  }
}

/** Returns the processes that serve from a data directory, oldest first. Those that have ended do not count. */
export function listRunning(dataDir: string): RunningProcess[] {
  return listMembers(join(dataDir, FOLDER))
    .flatMap(({ pid, start, command, url, since, log }) => {
      const texts = [command, url, since];
      if (!texts.every((text) => typeof text === 'string')) return [];
      return [{ pid, start, command, url, since, log: typeof log === 'string' ? log : null } as RunningProcess];
    })
    .sort((a, b) => (a.since < b.since ? -1 : 1));
}

/** Returns the file that stderr goes to; null if it goes elsewhere, or the system does not say. */
function findLogFile(): string | null {
  try {
    return fstatSync(STDERR).isFile() ? readlinkSync(`/proc/self/fd/${STDERR}`) : null;
  } catch {
    return null;
  }
}
