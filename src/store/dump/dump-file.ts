import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { addAbortSignal, pipeline as pipe, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { Seal } from '../../privacy/seal.ts';
import { readDump } from './read-dump.ts';
import { type DumpOptions, type DumpSummary, writeDump } from './write-dump.ts';

/** Level of gzip: sealed data does not get smaller, and higher levels cost more time than they save room. */
const GZIP_LEVEL = 3;

/** Ends the name of a file that is being written. */
const PART = '.part';

/** Writes a compressed dump into a stream, which it does not end. */
export async function dumpToStream(
  sink: Writable,
  options: DumpOptions,
  signal?: AbortSignal,
  end = false,
): Promise<DumpSummary> {
  let summary: DumpSummary | undefined;
  async function* lines(): AsyncGenerator<Buffer, void> {
    summary = yield* writeDump(options);
  }
  await pipeline(lines(), createGzip({ level: GZIP_LEVEL }), sink, { end, ...(signal && { signal }) });
  return summary as unknown as DumpSummary;
}

/**
 * Writes a dump into a file, readable by its owner only. The file has another name until it is complete and on the disk: a
 * process that is killed leaves no file that looks complete, and a file of this name stays as it was.
 *
 * @param check whether the file is read again before it gets its name
 */
export async function dumpToFile(
  file: string,
  options: DumpOptions,
  { signal, check = false }: { readonly signal?: AbortSignal; readonly check?: boolean } = {},
): Promise<DumpSummary> {
  const draft = join(dirname(file), `.${basename(file)}.${randomUUID().slice(0, 8)}${PART}`);
  try {
    const sink = createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true });
    const summary = await dumpToStream(sink, options, signal, true);
    if (check) {
      const written = openDump(draft);
      await checkDump(signal ? addAbortSignal(signal, written) : written, options.seal);
    }
    await rename(draft, file);
    await flushFolder(dirname(file));
    return summary;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Returns the decompressed bytes of a dump. An error of the file or of its compression ends them. */
export function openDump(source: string | Readable): Readable {
  const bytes = typeof source === 'string' ? createReadStream(source) : source;
  return pipe(bytes, createGunzip(), () => {});
}

/** Reads a whole dump. @throws DumpError if it could not be restored; see readDump */
export async function checkDump(source: AsyncIterable<Buffer>, seal: Seal): Promise<void> {
  for await (const _part of readDump(source, seal));
}

/** Scheduled dumps have names by the time of their snapshot, which sort by time. */
const SCHEDULED = /^tidings-\d{8}T\d{6}Z\.dump\.gz$/;

/** Returns the name of a scheduled dump. @param at ISO 8601 */
export function toDumpName(at: string): string {
  return `tidings-${at.slice(0, 19).replace(/[-:]/g, '')}Z.dump.gz`;
}

/**
 * Deletes scheduled dumps of a folder except the latest and, by their names, the newest `keep - 1` others, and what interrupted
 * ones left. Other files stay. Returns the names of the deleted dumps.
 */
export async function rotateDumps(folder: string, latest: string, keep: number): Promise<string[]> {
  const names = await readdir(folder);
  const others = names.filter((name) => SCHEDULED.test(name) && name !== latest).sort();
  const old = others.slice(0, Math.max(0, others.length - (keep - 1)));
  const parts = names.filter((name) => /^\.tidings-\d{8}T\d{6}Z\.dump\.gz\.[0-9a-f]{8}\.part$/.test(name));
  for (const name of [...old, ...parts]) await rm(join(folder, name), { force: true });
  return old;
}

/** Creates the folder of scheduled dumps, for its owner only, unless it exists. */
export async function createDumpFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

async function flushFolder(folder: string): Promise<void> {
  // A folder cannot be opened on Windows.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
