import { statfs } from 'node:fs/promises';
import type pg from 'pg';
import type { Millis } from '../model/event.ts';
import { probeDisk } from '../store/pg/disk-probe.ts';
import { type CheckResult, type HealthCheck, OK } from './check.ts';

const MAX_AGE_MS: Millis = 10_000;

const MEGABYTE = 1024 * 1024;
/** Free space below which a disk counts as nearly full and as full; on a small disk, a part of its size. */
const LOW_BYTES = 1024 * MEGABYTE;
const LOW_PART = 0.1;
const FULL_BYTES = 64 * MEGABYTE;
const FULL_PART = 0.02;
/** Free files (inodes) below which it counts as full. */
const FULL_FILES = 1000;

/** Sizes of a file system, as statfs returns them. */
export interface DiskSpace {
  readonly bsize: number;
  readonly blocks: number;
  readonly bavail: number;
  /** 0: the file system has no bound. */
  readonly files: number;
  readonly ffree: number;
}

/**
 * Checks that PostgreSQL can write, and with the embedded PostgreSQL the free space of the data directory.
 * @param dataDir null: the database is elsewhere
 */
export function checkDisk(
  pool: pg.Pool,
  dataDir: string | null,
  measure: (path: string) => Promise<DiskSpace> = statfs,
): HealthCheck {
  return {
    name: 'disk',
    maxAge: MAX_AGE_MS,
    whenUnknown: 'degraded',
    async run() {
      const space = dataDir === null ? OK : judgeSpace(await measure(dataDir));
      if (space.status === 'failing') return space;
      try {
        await probeDisk(pool);
      } catch (error) {
        if ((error as { code?: string }).code !== '53100') throw error;
        return { status: 'failing', cause: 'PostgreSQL reports that its disk is full', hint: HINT };
      }
      return space;
    },
  };
}

function judgeSpace({ bsize, blocks, bavail, files, ffree }: DiskSpace): CheckResult {
  const [size, free] = [bsize * blocks, bsize * bavail];
  if (files > 0 && ffree < FULL_FILES)
    return {
      status: 'failing',
      cause: `the disk of the data directory has only ${ffree} free files (inodes)`,
      hint: HINT,
    };
  const cause = `the disk of the data directory has ${Math.floor(free / MEGABYTE)} MB free`;
  if (free < Math.min(FULL_BYTES, size * FULL_PART)) return { status: 'failing', cause, hint: HINT };
  return free < Math.min(LOW_BYTES, size * LOW_PART) ? { status: 'degraded', cause, hint: HINT } : OK;
}

const HINT = 'free or add space for the data directory of PostgreSQL; nothing is lost, and work continues by itself';
