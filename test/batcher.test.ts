import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TidingsError } from '../src/errors.ts';
import { MicroBatcher } from '../src/ingest/batcher.ts';

interface Item {
  readonly user: string;
  readonly n: number;
}

interface Batch {
  readonly tenantId: string;
  readonly items: readonly Item[];
  end(error?: Error): void;
}

/** A batcher whose batches end when the test ends them. */
function heldBatcher(options: { shards?: number; maxBatch?: number; maxWaiting?: number; maxBytes?: number } = {}) {
  const begun: Batch[] = [];
  const run = (tenantId: string, items: readonly Item[]) =>
    new Promise<readonly string[]>((resolve, reject) => {
      const end = (error?: Error) => (error ? reject(error) : resolve(items.map((item) => `${item.user} ${item.n}`)));
      begun.push({ tenantId, items, end });
    });
  const batcher = new MicroBatcher<Item, string>(run, {
    shards: 1,
    maxBatch: 1000,
    maxWaiting: 100,
    maxBytes: 1000,
    ...options,
  });
  const submit = (items: readonly Item[], tenantId = 't', bytes = 0) =>
    batcher.submit(tenantId, items, (item) => item.user, bytes);
  const begins = (count: number) => expect.poll(() => begun.length).toBe(count);
  return { batcher, begun, begins, submit };
}

const items = (user: string, count: number, from = 0): Item[] =>
  Array.from({ length: count }, (_, i) => ({ user, n: from + i }));

describe('batches', () => {
  test('a lone item starts a batch at once; items that arrive meanwhile make the next batch', async () => {
    const { begun, begins, submit } = heldBatcher();
    const first = submit(items('a', 1));
    await begins(1);
    expect(begun.map((batch) => batch.items.length)).toEqual([1]);
    const others = [submit(items('b', 2)), submit(items('c', 3))];
    expect(begun.length).toBe(1);
    begun[0]?.end();
    expect(await first).toEqual(['a 0']);
    await begins(2);
    expect(begun[1]?.items.length).toBe(5);
    begun[1]?.end();
    expect(await Promise.all(others)).toEqual([
      ['b 0', 'b 1'],
      ['c 0', 'c 1', 'c 2'],
    ]);
  });

  test('splits a request only if it is larger than a batch', async () => {
    const { begun, begins, submit } = heldBatcher({ maxBatch: 5, maxWaiting: 1000 });
    const first = submit(items('a', 1));
    await begins(1);
    const others = [submit(items('b', 3)), submit(items('c', 3)), submit(items('d', 2)), submit(items('e', 7))];
    for (let i = 0; i < 5; i++) {
      await begins(i + 1);
      begun[i]?.end();
    }
    expect((await Promise.all([first, ...others])).map(({ length }) => length)).toEqual([1, 3, 3, 2, 7]);
    const users = begun.map((batch) => batch.items.map(({ user }) => user).join(''));
    expect(users).toEqual(['a', 'bbb', 'cccdd', 'eeeee', 'ee']);
  });

  test('keeps the items of one user in one request together if they fit into a batch', async () => {
    const size = fc.record({
      user: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      count: fc.integer({ min: 1, max: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 12 }), async (requests) => {
        const batches: (readonly Item[])[] = [];
        const run = async (_tenant: string, batch: readonly Item[]) => {
          batches.push(batch);
          return batch;
        };
        const batcher = new MicroBatcher<Item, Item>(run, { shards: 3, maxBatch: 10, maxWaiting: 1000, maxBytes: 1 });
        await Promise.all(
          requests.map(({ user, count }, n) => batcher.submit('t', items(user, count, n * 100), (one) => one.user)),
        );
        const parts = batches.flatMap((batch) => [...new Set(batch.map(({ n }) => Math.floor(n / 100)))]);
        expect(parts.sort((a, b) => a - b)).toEqual(requests.map((_, n) => n));
        for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(10);
      }),
    );
  });

  test('keeps batches within their size, and items in order', async () => {
    const { begun, begins, submit } = heldBatcher({ maxBatch: 2 });
    const answer = submit(items('a', 5));
    for (let i = 0; i < 3; i++) {
      await begins(i + 1);
      begun[i]?.end();
    }
    expect(await answer).toEqual(['a 0', 'a 1', 'a 2', 'a 3', 'a 4']);
    expect(begun.map((batch) => batch.items.length)).toEqual([2, 2, 1]);
  });

  test('puts a user always in the same shard, so that two running batches never share a user', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'é', '')), { maxLength: 8 }),
        async (requests) => {
          const running = new Set<string>();
          const run = async (_tenant: string, batch: readonly string[]) => {
            const users = new Set(batch);
            for (const user of users) {
              expect(running.has(user)).toBe(false);
              running.add(user);
            }
            await new Promise((resolve) => setImmediate(resolve));
            for (const user of users) running.delete(user);
            return batch;
          };
          const batcher = new MicroBatcher<string, string>(run, {
            shards: 2,
            maxBatch: 3,
            maxWaiting: 1000,
            maxBytes: 1,
          });
          const answers = await Promise.all(requests.map((users) => batcher.submit('t', users, (user) => user)));
          expect(answers).toEqual(requests);
          await batcher.idle();
        },
      ),
    );
  });

  test('makes one batch of few items, and splits many among the shards', async () => {
    const { begun, begins, submit } = heldBatcher({ shards: 2, maxWaiting: 1000 });
    const users = (count: number) => Array.from({ length: count }, (_, n) => ({ user: `p ${n}`, n }));
    const answers = [submit(users(10))];
    await begins(1);
    answers.push(submit(users(20)), submit(users(30)));
    begun[0]?.end();
    await begins(2);
    expect(begun.map((batch) => batch.items.length)).toEqual([10, 50]);
    answers.push(submit(users(600)));
    begun[1]?.end();
    await begins(4);
    expect((begun[2]?.items.length ?? 0) + (begun[3]?.items.length ?? 0)).toBe(600);
    answers.push(submit(users(20)));
    begun[2]?.end();
    begun[3]?.end();
    await begins(5);
    expect(begun[4]?.items.length).toBe(20);
    begun[4]?.end();
    expect((await Promise.all(answers)).map((one) => one.length)).toEqual([10, 20, 30, 600, 20]);
  });

  test('runs a second small batch beside the first if enough items of other users are queued, and never a third', async () => {
    const { begun, begins, submit } = heldBatcher({ shards: 4 });
    const users = (name: string, count: number) =>
      Array.from({ length: count }, (_, n) => ({ user: `${name} ${n}`, n }));
    const answers = [submit(users('a', 2))];
    await begins(1);
    for (let n = 0; n < 7; n++) answers.push(submit(users(`few ${n}`, 1)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(begun.length).toBe(1);
    answers.push(submit(users('enough', 10)), submit(items('a 0', 1)));
    await begins(2);
    const first = new Set(begun[0]?.items.map(({ user }) => user));
    expect(begun[1]?.items.filter(({ user }) => first.has(user))).toEqual([]);
    expect(begun[1]?.items.length).toBeGreaterThanOrEqual(8);
    answers.push(submit(users('third', 40)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(begun.length).toBe(2);
    const ending = setInterval(() => {
      for (const batch of begun) batch.end();
    }, 1);
    expect((await Promise.all(answers)).flat().length).toBe(60);
    clearInterval(ending);
  });

  test('alternates between tenants: a small one does not wait for all of a large one', async () => {
    const { begun, begins, submit } = heldBatcher({ maxBatch: 10 });
    const large = submit(items('a', 50), 'large');
    const small = submit(items('b', 1), 'small');
    for (let i = 0; i < 6; i++) {
      await begins(i + 1);
      begun[i]?.end();
    }
    expect(await small).toEqual(['b 0']);
    expect((await large).length).toBe(50);
    expect(begun.map((batch) => batch.tenantId)).toEqual(['large', 'small', 'large', 'large', 'large', 'large']);
  });

  test('takes small batches of a flood while another tenant is there, whose events wait for one of them', async () => {
    const { begun, begins, submit } = heldBatcher({ maxWaiting: 10_000 });
    const flood = Promise.all([submit(items('a', 1000), 'flood'), submit(items('b', 1000), 'flood')]);
    await begins(1);
    expect(begun[0]?.items.length).toBe(1000);
    const quiet = submit(items('c', 1), 'quiet');
    for (let i = 0; i < 7; i++) {
      await begins(i + 1);
      begun[i]?.end();
    }
    expect(await quiet).toEqual(['c 0']);
    expect(begun.slice(1, 3).map(({ tenantId }) => tenantId)).toContain('quiet');
    expect(begun.slice(1).map((batch) => batch.items.length)).toEqual(
      expect.arrayContaining([1, 200, 200, 200, 200, 200]),
    );
    await flood;
  });
});

describe('failures', () => {
  test('fails the requests of a failed batch, and runs the next one', async () => {
    const { begun, begins, submit } = heldBatcher();
    const first = submit(items('a', 1));
    await begins(1);
    const second = submit(items('b', 1));
    begun[0]?.end(new Error('no database'));
    await expect(first).rejects.toThrow('no database');
    await begins(2);
    begun[1]?.end();
    expect(await second).toEqual(['b 0']);
  });

  test('rejects requests beyond the limit of waiting items before they are accepted', async () => {
    const { begun, begins, submit } = heldBatcher({ maxWaiting: 3 });
    const accepted = [submit(items('a', 1))];
    await begins(1);
    accepted.push(submit(items('b', 2)));
    expect(() => submit(items('c', 1))).toThrow(TidingsError);
    expect(() => submit(items('c', 1))).toThrow(expect.objectContaining({ code: 'overloaded', retryAfter: 1 }));
    begun[0]?.end();
    await begins(2);
    begun[1]?.end();
    await Promise.all(accepted);
    expect(begun.flatMap((batch) => batch.items.map((item) => item.user))).toEqual(['a', 'b', 'b']);
  });

  test('rejects requests beyond the limit of waiting bytes', async () => {
    const { batcher, begun, begins, submit } = heldBatcher({ maxBatch: 2, maxBytes: 100 });
    const ends = [submit(items('a', 1), 't', 500).catch(String)];
    await begins(1);
    expect(() => submit(items('b', 1), 't', 1)).toThrow(expect.objectContaining({ code: 'overloaded', retryAfter: 1 }));
    begun[0]?.end();
    await batcher.idle();
    // Two batches, of which the first fails: the request waits until both have ended.
    ends.push(submit(items('b', 3), 't', 60).catch(String));
    await begins(2);
    ends.push(submit(items('c', 1), 't', 40).catch(String));
    expect(() => submit(items('d', 1), 't', 1)).toThrow(TidingsError);
    begun[1]?.end(new Error('not now'));
    await begins(3);
    expect(() => submit(items('d', 1), 't', 1)).toThrow(TidingsError);
    begun[2]?.end();
    expect(await Promise.all(ends)).toEqual([['a 0'], 'Error: not now', ['c 0']]);
    await batcher.idle();
    ends.push(submit(items('d', 1), 't', 60).catch(String), submit(items('e', 1), 't', 40).catch(String));
    await begins(4);
    begun[3]?.end();
    await batcher.idle();
  });

  test('accepts a request of any size when it is idle', async () => {
    const { begun, begins, submit } = heldBatcher({ maxWaiting: 3 });
    const answer = submit(items('a', 10));
    await begins(1);
    begun[0]?.end();
    expect((await answer).length).toBe(10);
  });
});

describe('idle', () => {
  test('resolves when the last batch has ended, and at once if no batch runs', async () => {
    const { batcher, begun, begins, submit } = heldBatcher();
    await batcher.idle();
    const answer = submit(items('a', 1));
    await begins(1);
    let idle = false;
    const waiting = batcher.idle().then(() => {
      idle = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(idle).toBe(false);
    begun[0]?.end();
    await answer;
    await waiting;
    expect(idle).toBe(true);
  });

  test('an empty request resolves at once', async () => {
    expect(await heldBatcher().submit([])).toEqual([]);
  });
});
