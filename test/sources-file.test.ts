import { expect, test } from 'vitest';
import { ConfigError } from '../src/errors.ts';
import { parseKafkaSettings } from '../src/kafka/parse-settings.ts';
import { rejectSource } from '../src/sources/readers.ts';
import { mistakesIn } from './support/parser.ts';

/** sources.yaml, and the settings of Kafka: what is wrong is said with its place. */

const FIRST = 'sources:\n  orders:\n    topic: shop.orders\n';

test.each([
  ['sources:\n  orders: { format: json }\n', 2, 'orders has no "topic"'],
  ['sources:\n  orders: { topic: "shop orders" }\n', 2, '"shop orders" is not the name of a topic'],
  [`${FIRST}  again: { topic: shop.orders }\n`, 4, 'orders reads this topic as well'],
  [`${FIRST}    format: avro\n`, 4, '"avro" is not a format of messages'],
  [`${FIRST}    event_type: boked\n    user_id: { from: message.key }\n`, 4, 'events.yaml has no event type boked'],
  [`${FIRST}    event_type: booked\n`, 2, 'orders does not say whose events its messages are'],
  [`${FIRST}    user_id: { from: message.key }\n`, 4, '"user_id" needs "event_type"'],
  [`${FIRST}    when: message.valeu.x == 1\n`, 4, expect.stringContaining('valeu')],
  [`${FIRST}    when: event.x == 1\n`, 4, expect.stringContaining('event is not known here')],
  [`${FIRST}    tenant: { form: message.key }\n`, 4, expect.stringContaining('unknown key "form"')],
])('%s', async (text, line, message) => {
  expect(await mistakesIn('sources.yaml', text)).toContainEqual(expect.objectContaining({ line, message }));
});

test('the settings of Kafka are checked, and quote no secret', () => {
  const read = (env: { readonly [name: string]: string }) => () => parseKafkaSettings(env);
  const BROKERS = { TIDINGS_KAFKA_BROKERS: 'a:9092, [::1]:9093' };
  expect(read({})()).toBeNull();
  expect(read(BROKERS)()).toMatchObject({ brokers: ['a:9092', '[::1]:9093'], group: 'tidings', sasl: null, ca: null });
  expect(read({ ...BROKERS, TIDINGS_KAFKA_USERNAME: 'u', TIDINGS_KAFKA_PASSWORD: 'p' })()?.sasl).toEqual({
    mechanism: 'SCRAM-SHA-512',
    username: 'u',
    password: 'p',
  });
  expect(read({ TIDINGS_KAFKA_GROUP: 'g' })).toThrow('TIDINGS_KAFKA_GROUP is set without TIDINGS_KAFKA_BROKERS');
  expect(read({ TIDINGS_KAFKA_BROKERS: 'a' })).toThrow('write host:port');
  expect(read({ ...BROKERS, TIDINGS_KAFKA_TOPICS: 'acme' })).toThrow('TENANT=TOPIC');
  expect(read({ ...BROKERS, TIDINGS_KAFKA_CA: '/nowhere' })).toThrow(ConfigError);
  const secret = read({
    ...BROKERS,
    TIDINGS_KAFKA_SASL_MECHANISM: 'NTLM',
    TIDINGS_KAFKA_USERNAME: 'u',
    TIDINGS_KAFKA_PASSWORD: 's3cret',
  });
  expect(secret).toThrow('PLAIN, SCRAM-SHA-256, SCRAM-SHA-512');
  expect(secret).not.toThrow('s3cret');
});

test('a tenant reads only topics that the operator allows it', () => {
  const settings = { allowed: [{ tenantId: 'acme', topic: 'acme.*' }] };
  const ask = (tenantId: string, topic: string, tenant?: string) =>
    rejectSource(settings, 'default', tenantId, { topic, ...(tenant !== undefined && { tenant }) });
  expect(ask('acme', 'acme.orders')).toBeUndefined();
  expect(ask('default', 'shop.orders', 'acme')).toBeUndefined();
  expect(ask('acme', 'shop.orders')).toMatch('does not allow');
  expect(ask('beta', 'acme.orders')).toMatch('does not allow');
  expect(ask('default', 'acme.orders')).toMatch('to another tenant');
  expect(ask('acme', 'acme.orders', 'beta')).toMatch('several tenants');
});
