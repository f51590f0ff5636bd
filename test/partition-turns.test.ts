import { expect, test } from 'vitest';
import type { KafkaRecord } from '../src/kafka/client.ts';
import { findTopics } from '../src/kafka/find-topics.ts';
import { FailingTopics } from '../src/sources/failing-topics.ts';
import { PartitionTurns } from '../src/sources/partition-turns.ts';

/** Partitions of Kafka topics take turns, and topics that cannot be read are left out. */

const BATCH = 1000;

function recordOf(partition: number, offset: number): KafkaRecord {
  return {
    ...{ topic: 't', partition, offset: BigInt(offset), timestamp: 0n },
    ...{ key: null, value: Buffer.from('{}'), headers: [] },
  };
}

interface Decided {
  readonly partition: number;
  readonly records: number;
  readonly first: bigint;
}

/** Turns whose batches are decided one event loop after the other, and what was decided in which order. */
function start(partitions: readonly number[], { isBusy = () => false, fail = (_: number) => false } = {}) {
  const decided: Decided[] = [];
  const calls: string[] = [];
  let running = 0;
  let mostRunning = 0;
  const turns = new PartitionTurns({
    isBusy,
    onFull: () => void calls.push('full'),
    onRoom: () => void calls.push('room'),
    onFailed: () => void calls.push('failed'),
  });
  for (const partition of partitions) {
    turns.add({ topic: 't', partition }, 0n, async (records) => {
      mostRunning = Math.max(mostRunning, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (fail(partition)) throw new Error('not decided');
      decided.push({ partition, records: records.length, first: records[0]?.offset ?? -1n });
    });
  }
  const receive = (partition: number, count: number, from = 0) => {
    for (let offset = from; offset < from + count; offset++) turns.receive(recordOf(partition, offset));
  };
  return { turns, decided, calls, receive, mostRunning: () => mostRunning };
}

test('partitions with a thousand times the messages keep none of the others waiting', async () => {
  const hot = [0, 1, 2, 3, 4, 5];
  const quiet = [6, 7, 8];
  const { turns, decided, receive, mostRunning } = start([...hot, ...quiet]);
  for (const partition of hot) receive(partition, 3 * BATCH);
  for (const partition of quiet) receive(partition, 1);
  await turns.settled();
  // Each has its batch after one of every hot partition, at most.
  for (const partition of quiet) {
    const place = decided.findIndex((one) => one.partition === partition);
    expect(place).toBeGreaterThanOrEqual(0);
    expect(place).toBeLessThan(hot.length + quiet.length);
  }
  expect(mostRunning()).toBe(4);
  for (const partition of hot) {
    const own = decided.filter((one) => one.partition === partition);
    expect(own.map(({ first }) => Number(first))).toEqual([0, BATCH, 2 * BATCH]);
  }
});

test('what comes twice, or belongs to no partition here, is left out', async () => {
  const { turns, decided, receive } = start([0]);
  receive(0, 3);
  receive(0, 3);
  receive(7, 1);
  await turns.settled();
  expect(decided).toEqual([{ partition: 0, records: 3, first: 0n }]);
});

test('fetching stops when too much waits, and goes on when half of it is decided', async () => {
  const { turns, calls, receive } = start([0, 1]);
  receive(0, 10_000);
  expect(calls).toEqual([]);
  receive(1, 1);
  expect(calls).toEqual(['full']);
  expect(turns.isFull).toBe(true);
  await turns.settled();
  expect(calls).toEqual(['full', 'room']);
  expect(turns.isFull).toBe(false);
});

test('once stopped, nothing more is decided, and what waits is dropped', async () => {
  const { turns, decided, receive } = start([0]);
  receive(0, 19 * BATCH);
  await expect.poll(() => decided.length, { interval: 1 }).toBeGreaterThan(0);
  turns.stop();
  await turns.settled();
  const before = decided.length;
  receive(0, 10, 19 * BATCH);
  await turns.settled();
  expect(decided).toHaveLength(before);
  expect(before).toBeLessThan(19);
});

test('of topics that are read together and fail, each is tried alone; one that fails alone is left out for a growing time', () => {
  let now = 0;
  const topics = new FailingTopics(() => now);
  topics.fail(['a', 'b'], 'a message cannot be read');
  expect([topics.isSuspect('a'), topics.isLeftOut('a'), topics.isSuspect('c')]).toEqual([true, false, false]);
  expect([...topics.causes]).toEqual([]);
  topics.recover('b');
  topics.fail(['a'], 'a message cannot be read');
  expect([...topics.causes]).toEqual([['a', 'a message cannot be read']]);
  const pauses: number[] = [];
  for (let failures = 0; failures < 6; failures++) {
    const from = now;
    while (topics.isLeftOut('a')) now += 1000;
    pauses.push((now - from) / 1000);
    topics.fail(['a'], 'a message cannot be read');
  }
  expect(pauses).toEqual([5, 10, 20, 40, 60, 60]);
  topics.recover('a');
  expect([topics.isSuspect('a'), topics.isLeftOut('a'), topics.causes.size]).toEqual([false, false, 0]);
});

test('a topic that is missing, hidden, or has a partition without a leader fails the look-up of no other', async () => {
  const asked: string[][] = [];
  const apiIds: { readonly [topic: string]: string } = {
    missing: 'UNKNOWN_TOPIC_OR_PARTITION',
    hidden: 'TOPIC_AUTHORIZATION_FAILED',
    headless: 'LEADER_NOT_AVAILABLE',
  };
  const ask = async (names: readonly string[]) => {
    asked.push([...names]);
    const apiId = names.map((name) => apiIds[name]).find((one) => one !== undefined);
    // As the client has it: the cause is several errors deep.
    if (apiId) throw Object.assign(new Error('failed'), { errors: [{ errors: [{ apiId }] }] });
    return new Map(names.map((name) => [name, { id: name, partitions: 1 }]));
  };
  const names = ['a', 'missing', 'b', 'headless', 'c', 'hidden', 'd'];
  const found = await findTopics(names, ask);
  expect([...found.keys()].sort()).toEqual(['a', 'b', 'c', 'd', 'headless']);
  expect(found.get('headless')).toBe('no_leader');
  expect(await findTopics([], ask)).toEqual(new Map());
  const away = async () => {
    throw Object.assign(new Error('away'), { code: 'PLT_KFK_NETWORK' });
  };
  await expect(findTopics(names, away)).rejects.toThrow('away');
});
