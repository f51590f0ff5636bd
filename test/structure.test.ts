import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';

const { ROOMS } = createRequire(import.meta.url)('../.dependency-cruiser.cjs') as {
  ROOMS: { readonly [room: string]: string };
};
const rooms = Object.entries(ROOMS).map(([room, imports]) => ({ room, imports: imports.split(' ').filter(Boolean) }));

describe('rooms and arrows', () => {
  test('docs/design.md shows the same table as .dependency-cruiser.cjs', async () => {
    const page = await readFile(new URL('../docs/design.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `([^`]+)` \| [^|]+ \| ([^|]+) \|$/gm)]
      .map(([, room = '', imports = '']) => ({
        room: room.replace(/\/$/, ''),
        imports: imports === '–' ? [] : imports.split(', '),
      }))
      .filter(({ room }) => room in ROOMS);
    expect(rows).toEqual(rooms);
  });

  test('every arrow points to a room further up in the table', () => {
    const above = new Set<string>();
    for (const { room, imports } of rooms) {
      expect(
        imports.filter((name) => !above.has(name)),
        room,
      ).toEqual([]);
      above.add(room);
    }
  });
});
