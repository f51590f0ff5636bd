import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

/** A change to the code that no test noticed. */
export interface Survivor {
  readonly file: string;
  /** From 1. */
  readonly lineNumber: number;
  /** The line on which it begins, trimmed. */
  readonly line: string;
  /** The original, and what replaced it. */
  readonly code: string;
  readonly becomes: string;
  /** The whole file with the change. */
  readonly mutated: string;
}

/** A survivor that is accepted; line numbers change too often to name it. */
export interface Accepted extends Pick<Survivor, 'file' | 'line' | 'code' | 'becomes'> {
  readonly reason: string;
}

/** Returns the entries of survivors.yaml. Throws if one has no reason. */
export function readAccepted(path: string): Accepted[] {
  const entries = (parse(readFileSync(path, 'utf8')) ?? []) as Accepted[];
  for (const entry of entries) {
    if (!entry.reason) throw new Error(`${path}: an entry of ${entry.file} has no reason`);
  }
  return entries;
}

/** Compares survivors with those accepted. @param files that were mutated: entries of others may still be true */
export function compareWithAccepted(
  survivors: readonly Survivor[],
  accepted: readonly Accepted[],
  files: readonly string[],
): { unlisted: Survivor[]; stale: Accepted[] } {
  const listed = new Set(accepted.map(identify));
  const found = new Set(survivors.map(identify));
  return {
    unlisted: survivors.filter((one) => !listed.has(identify(one))),
    stale: accepted.filter((one) => files.includes(one.file) && !found.has(identify(one))),
  };
}

/** Returns a survivor as an entry of survivors.yaml, with its place; the reason is left to write. */
export function formatSurvivor({ lineNumber, mutated: _, ...entry }: Survivor): string {
  return `# ${entry.file}:${lineNumber}\n${stringify([{ ...entry, reason: '' }], { lineWidth: 0 })}`;
}

function identify({ file, line, code, becomes }: Pick<Survivor, 'file' | 'line' | 'code' | 'becomes'>): string {
  return JSON.stringify([file, line, code, becomes].map((text) => text.replace(/\s+/g, ' ').trim()));
}
