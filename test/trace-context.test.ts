import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  beginSpan,
  formatTraceparent,
  parseTraceparent,
  runInTrace,
  startTracing,
  stopTracing,
  toSpanId,
} from '../src/observe/trace-context.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** The traceparent of the W3C: how it is read and written, and the events that have it. */

const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: digits, maxLength: digits })
    .map((all) => all.join(''))
    .filter((text) => /[^0]/.test(text));

test('what is written is read as it was, and nothing else is taken for one', () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, isSampled) => {
      const trace = { traceId, spanId, isSampled };
      expect(parseTraceparent(formatTraceparent(trace))).toEqual(trace);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => void expect(parseTraceparent(text)).toBeUndefined()));
  const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
  expect(parseTraceparent(`cc-${trace}-${span}-01-what-comes-later`)).toMatchObject({ traceId: trace });
  for (const wrong of [
    `ff-${trace}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace}-${span}-01-${'x'.repeat(300)}`,
    [`00-${trace}-${span}-01`],
  ])
    expect(parseTraceparent(wrong)).toBeUndefined();
});

test('ids of spans follow from what they are about', () => {
  expect(toSpanId('delivery', 'n', 'email', '')).toBe(toSpanId('delivery', 'n', 'email', ''));
  expect(toSpanId('delivery', 'n', 'email', '')).not.toBe(toSpanId('attempt', 'n', 'email', ''));
  expect(toSpanId('a')).toMatch(/^[0-9a-f]{16}$/);
  expect(beginSpan(undefined)).toMatchObject({ isSampled: true });
});

describe('events', () => {
  let tidings: TestTidings;
  beforeAll(async () => {
    tidings = await testTidings();
  });
  afterAll(async () => {
    stopTracing();
    await tidings.close();
  });
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const event = (id: string) => ({
    event_id: id,
    user_id: 'u1',
    event_type: 'signup_completed',
    event_timestamp: new Date(tidings.clock.now).toISOString(),
  });
  const contextOf = async (id: string) => {
    const { rows } = await tidings.database.pool.query('select context from events where event_id = $1', [id]);
    return rows[0]?.context;
  };

  test('without tracing, nothing is added', async () => {
    await runInTrace(traceparent, () => tidings.ingest([event('off')]));
    expect(await contextOf('off')).toBeNull();
  });

  test('with tracing they have the traceparent of their request, or of their record of a stream', async () => {
    startTracing(1);
    await runInTrace(traceparent, () => tidings.ingest([event('posted')]));
    await tidings.ingest([event('outside')]);
    const origin = { source: 's', position: {} };
    const items = ['streamed', 'untraced'].map((id) => ({
      event: { item: event(id) },
      kept: null,
      origin,
      ...(id === 'streamed' ? { traceparent } : {}),
    }));
    const advance = () => ({ name: 'nowhere', text: 'select 1', values: [] });
    await tidings.pipeline.ingestInOrder({ tenantId: TENANT, items, advance }, false);
    expect(await Promise.all(['posted', 'outside', 'streamed', 'untraced'].map(contextOf))).toEqual([
      { traceparent },
      null,
      { traceparent },
      null,
    ]);
  });
});
