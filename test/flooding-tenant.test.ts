import { expect, test } from 'vitest';
import { MicroBatcher } from '../src/ingest/batcher.ts';

/** A batcher of up to 100 waiting items whose batches end when the test says so. */
function heldBatcher(maxBytes = 1_000_000) {
  const begun: { tenantId: string; size: number; end: () => void }[] = [];
  const batcher = new MicroBatcher<string, string>(
    (tenantId, items) =>
      new Promise((resolve) => begun.push({ tenantId, size: items.length, end: () => resolve([...items]) })),
    { shards: 1, maxBatch: 40, maxWaiting: 100, maxBytes },
  );
  const submit = (tenantId: string, count: number, bytes = 0) =>
    batcher.submit(
      tenantId,
      Array.from({ length: count }, (_, n) => `${n}`),
      (item) => item,
      bytes,
    );
  return { batcher, begun, submit };
}

test('a flood of one tenant is rejected, while a quiet tenant is served next', async () => {
  const { batcher, begun, submit } = heldBatcher();
  const flood = [submit('flood', 40), submit('flood', 40), submit('flood', 20)];
  expect(() => submit('flood', 1)).toThrow(/waiting/);
  const quiet = submit('quiet', 5);
  expect(() => submit('flood', 1)).toThrow(/waiting/);
  let isAnswered = false;
  void quiet.then(() => (isAnswered = true));
  for (let n = 0; !isAnswered; n++) {
    await expect.poll(() => begun.length).toBeGreaterThan(n);
    begun[n]?.end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(n).toBeLessThan(3);
  }
  expect(begun.filter(({ tenantId }) => tenantId === 'flood').length).toBeLessThanOrEqual(2);
  const ending = setInterval(() => begun.map(({ end }) => end()), 5);
  expect((await Promise.all(flood)).map(({ length }) => length)).toEqual([40, 40, 20]);
  await batcher.idle();
  clearInterval(ending);
});

test('what may wait is bounded over all tenants, and of the reserve no tenant has all', () => {
  const { submit } = heldBatcher();
  void submit('flood', 100);
  let accepted = 0;
  for (let n = 0; n < 100; n++) {
    try {
      void submit('second', 1);
      accepted++;
    } catch {
      break;
    }
  }
  expect(accepted).toBeGreaterThan(5);
  expect(accepted).toBeLessThan(20);
  void submit('third', 5);
  expect(() => submit('fourth', 26)).toThrow(/waiting/);
  const tenants = Array.from({ length: 1000 }, (_, n) => `tenant ${n}`);
  const served = tenants.filter((tenant) => {
    try {
      void submit(tenant, 1);
      return true;
    } catch {
      return false;
    }
  });
  expect(accepted + 5 + served.length).toBeLessThanOrEqual(25);
});

test('large requests of one tenant leave room to those of another one', () => {
  const { submit } = heldBatcher(1000);
  void submit('flood', 1, 1000);
  expect(() => submit('flood', 1, 1)).toThrow(/waiting/);
  void submit('quiet', 1, 100);
  expect(() => submit('quiet', 1, 500)).toThrow(/waiting/);
});

test('once a flood is over, the room is whole again', async () => {
  const { batcher, begun, submit } = heldBatcher();
  const ending = setInterval(() => begun.map(({ end }) => end()), 1);
  for (let round = 0; round < 3; round++) {
    const all = [submit('a', 100), submit('b', 20)];
    await Promise.all(all);
    await batcher.idle();
  }
  clearInterval(ending);
  void submit('a', 60);
  void submit('a', 40);
  expect(() => submit('a', 1)).toThrow(/waiting/);
});
