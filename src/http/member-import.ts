import { isUtf8 } from 'node:buffer';
import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import { parseExactJson } from '../lib/text/exact-json.ts';
import type { MemberError, MemberImport } from '../model/member-import.ts';
import { splitLines } from '../notify/batches/split-lines.ts';
import { type ListChange, loadList } from '../store/lists/lists.ts';
import { addMembers, MAX_MEMBERS } from '../store/lists/members.ts';
import { memberLine } from './schemas/lists.ts';

/** Lines of one request, at most: it must be complete within a minute. */
const MAX_LINES = 100_000;
const MAX_LINE_BYTES = 8 * 1024;
/** Users that are added together: so many are in memory at a time. */
const CHUNK_USERS = 5000;
/** Errors that an answer lists, at most. */
const MAX_LISTED_ERRORS = 1000;

/**
 * Adds the users of a stream of lines to a list, a chunk in memory at a time. What breaks off is sent again: a member stays one.
 * Undefined: there is no such list, or no longer.
 * @throws TidingsError `payload_too_large` for more than MAX_LINES lines, `list_full`: the users before are added
 */
export async function importMembers(
  pool: pg.Pool,
  change: ListChange,
  listId: string,
  body: AsyncIterable<Buffer>,
): Promise<MemberImport | undefined> {
  const list = await loadList(pool, change.tenantId, listId);
  if (!list) return undefined;
  const counts = { lines: 0, changed: 0, unchanged: 0, rejected: 0, empty: 0, members: list.members };
  const errors: MemberError[] = [];
  let users: string[] = [];
  const flush = async (): Promise<boolean> => {
    if (users.length === 0) return true;
    const added = await addMembers(pool, change, listId, users);
    if (added === 'too_many') {
      throw new TidingsError(
        'list_full',
        `A list has at most ${MAX_MEMBERS} members; those of the first lines were added.`,
      );
    }
    if (!added) return false;
    counts.changed += added.changed;
    counts.unchanged += added.unchanged;
    counts.members = added.members;
    users = [];
    return true;
  };
  for await (const bytes of splitLines(body, MAX_LINE_BYTES)) {
    if (counts.lines === MAX_LINES) {
      await flush();
      const message = `A request has at most ${MAX_LINES} lines; the users of the first ones are added. Send the further ones in another.`;
      throw new TidingsError('payload_too_large', message);
    }
    const read = readLine(counts.lines++, bytes);
    if (read === undefined) counts.empty++;
    else if (typeof read === 'string') users.push(read);
    else {
      counts.rejected++;
      if (errors.length < MAX_LISTED_ERRORS) errors.push(read);
    }
    if (users.length >= CHUNK_USERS && !(await flush())) return undefined;
  }
  return (await flush()) ? { errors, summary: counts } : undefined;
}

/** Returns the user of a line; undefined: it is blank. Says nothing of what it has, which may be an address. */
function readLine(line: number, bytes: Buffer | undefined): string | MemberError | undefined {
  if (bytes === undefined) {
    return { line, code: 'line_too_long', message: `has more than ${MAX_LINE_BYTES / 1024} KiB` };
  }
  const text = isUtf8(bytes) ? bytes.toString('utf8').trim() : '{';
  if (text === '') return undefined;
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    return { line, code: 'invalid_json', message: 'is no JSON; write {"user_id":"u1"} on each line' };
  }
  const read = memberLine.safeParse(value);
  if (read.success) return read.data.user_id;
  const issue =
    read.error.issues[0]?.path[0] === 'user_id'
      ? 'user_id is no id of 1 to 256 characters'
      : 'is no object with user_id alone';
  return { line, code: 'invalid_line', message: issue };
}
