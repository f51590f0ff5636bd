import { expect, test } from 'vitest';
import { MicroBatcher } from '../src/ingest/batcher.ts';

/** Results that a batch defers: they hold up their own request, and no other one. */

function deferringBatcher() {
  const held: { resolve: (result: string) => void; reject: (error: Error) => void }[] = [];
  const batcher = new MicroBatcher<string, string>(
    async (_tenantId, items) =>
      items.map((item) =>
        item.startsWith('slow')
          ? new Promise<string>((resolve, reject) => held.push({ resolve, reject }))
          : `${item} done`,
      ),
    { shards: 1, maxBatch: 1000, maxWaiting: 3, maxBytes: 10 },
  );
  const submit = (items: readonly string[], bytes = 0, tenantId = 't') =>
    batcher.submit(tenantId, items, (item) => item, bytes);
  return { batcher, held, submit };
}

test('a request waits for its deferred results, and other requests do not', async () => {
  const { batcher, held, submit } = deferringBatcher();
  const slow = submit(['a', 'slow b', 'c']);
  await expect.poll(() => held.length).toBe(1);
  expect(await submit(['d'])).toEqual(['d done']);
  let isIdle = false;
  const idle = batcher.idle().then(() => {
    isIdle = true;
  });
  expect(isIdle).toBe(false);
  held[0]?.resolve('b done');
  expect(await slow).toEqual(['a done', 'b done', 'c done']);
  await idle;
});

test('deferred results take no room from other requests', async () => {
  const { held, submit } = deferringBatcher();
  const slow = submit(['slow a', 'slow b', 'slow c'], 10);
  await expect.poll(() => held.length).toBe(3);
  expect(await submit(['d', 'e', 'f'], 10)).toEqual(['d done', 'e done', 'f done']);
  for (const { resolve } of held) resolve('done');
  expect(await slow).toEqual(['done', 'done', 'done']);
});

test('requests that wait for deferred results alone are bounded in bytes, and one tenant leaves room to others', async () => {
  const { held, submit } = deferringBatcher();
  const first = submit(['slow a'], 6);
  await expect.poll(() => held.length).toBe(1);
  await expect(submit(['slow b'], 6)).rejects.toThrow(/takes long, and too many such requests are waiting/);
  await expect(submit(['slow b'], 4)).rejects.toThrow(/too many such requests are waiting/);
  const third = submit(['slow c'], 4, 'another tenant');
  await expect.poll(() => held.length).toBe(4);
  for (const { resolve } of held) resolve('done');
  expect(await first).toEqual(['done']);
  expect(await third).toEqual(['done']);
  const large = submit(['slow d'], 10);
  await expect.poll(() => held.length).toBe(5);
  held[4]?.resolve('done');
  expect(await large).toEqual(['done']);
});

test('a deferred result that fails rejects its own request', async () => {
  const { held, submit } = deferringBatcher();
  const slow = submit(['slow a', 'b']);
  await expect.poll(() => held.length).toBe(1);
  held[0]?.reject(new Error('gone'));
  await expect(slow).rejects.toThrow('gone');
  expect(await submit(['c'])).toEqual(['c done']);
});
