import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

interface Page {
  readonly items: readonly unknown[];
  /** Null: it is the last page. */
  readonly next: string | null;
}

/**
 * Writes all items of a list to a file as NDJSON, and returns how many. A page is in memory at a time.
 * @param load loads the first page for null, else the page at the cursor
 */
export async function writePages(path: string, load: (after: string | null) => Promise<Page>): Promise<number> {
  // Readable by its owner only: it names users and operators.
  const file = createWriteStream(path, { mode: 0o600 });
  await once(file, 'open');
  let count = 0;
  for (let after: string | null = null, isOver = false; !isOver; ) {
    const page: Page = await load(after);
    for (const item of page.items) {
      count++;
      if (!file.write(`${JSON.stringify(item)}\n`)) await once(file, 'drain');
    }
    after = page.next;
    isOver = after === null;
  }
  file.end();
  await once(file, 'close');
  return count;
}
