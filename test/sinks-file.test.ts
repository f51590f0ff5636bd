import { expect, test } from 'vitest';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';
import { EVENTS, NOTIFICATIONS, RULES, SEGMENTS, SINKS, TEMPLATES } from './support/every-key.ts';
import { mistakesIn } from './support/parser.ts';

/** sinks.yaml, and dead letters of sources.yaml: what is wrong is said with its place. */

const FIRST = 'sinks:\n  outcomes:\n    topic: shop.outcomes\n    event_types: notification.*\n';

test.each([
  ['sinks:\n  all: { event_types: "*" }\n', 2, 'all has no "topic"'],
  ['sinks:\n  all: { topic: shop.all }\n', 2, 'all does not say what is written'],
  [`${FIRST}  again: { topic: shop.outcomes, event_types: '*' }\n`, 5, 'outcomes writes this topic as well'],
  [`${FIRST}    decisions: some\n`, 5, '"some" is not a choice of decisions'],
  [`${FIRST}    channels: [fax]\n`, 5, '"fax" is not a channel'],
  [`${FIRST}    notification_types: [TEL]\n`, 5, 'notifications.yaml has no notification TEL'],
  ['sinks:\n  all:\n    topic: shop.all\n    event_types: [a*b]\n', 4, '"a*b" has a * that is not its end'],
  [
    'sinks:\n  all:\n    topic: shop.all\n    event_types: [notification.bouncd]\n',
    4,
    'notification.bouncd is no event type of events.yaml, and nothing that Tidings reports',
  ],
])('%s', async (text, line, message) => {
  expect(await mistakesIn('sinks.yaml', text)).toContainEqual(expect.objectContaining({ line, message }));
});

async function parse(sources: string, sinks: string) {
  const files = { 'events.yaml': EVENTS, 'notifications.yaml': NOTIFICATIONS, 'rules.yaml': RULES, ...TEMPLATES };
  const all = { ...files, 'segments.yaml': SEGMENTS, 'sources.yaml': sources, 'sinks.yaml': sinks };
  return parseCatalogFiles(new Map(Object.entries({ ...all, 'rules.yaml': 'rules:' })));
}

test('a topic that a source reads is not written: its messages would go round', async () => {
  const { problems } = await parse('sources: { s: { topic: shop.outcomes } }\n', FIRST);
  expect(problems).toMatchObject([{ file: 'sinks.yaml', line: 3, message: 'the source s reads this topic' }]);
  const { problems: looping } = await parse(
    'sources:\n  s: { topic: shop.in, dead_letter_topic: true }\n  d: { topic: shop.in.dlq }\n',
    SINKS,
  );
  expect(looping).toMatchObject([
    { file: 'sources.yaml', line: 2, message: 'the source d reads shop.in.dlq, the topic for dead letters of s' },
  ]);
  const { problems: shared } = await parse('sources: { s: { topic: a, dead_letter_topic: shop.outcomes } }\n', FIRST);
  expect(shared).toMatchObject([{ message: 'dead letters of the source s go to this topic' }]);
});

test('dead letters go to the topic with .dlq, to a named one, or to none', async () => {
  const { data } = await parse(
    'sources: { a: { topic: x, dead_letter_topic: true }, b: { topic: y, dead_letter_topic: z }, c: { topic: w, dead_letter_topic: false } }\n',
    SINKS,
  );
  expect(data?.sources?.map(({ deadLetterTopic }) => deadLetterTopic)).toEqual(['x.dlq', 'z', undefined]);
  expect(data?.sinks?.[1]).toEqual({
    name: 'all',
    topic: 'shop.all',
    eventTypes: ['*'],
    decisions: 'none',
    format: 'binary',
    key: 'tenant_user',
  });
});
