import { expect, test } from 'vitest';
import { findKafka } from './support/kafka/broker.ts';
import { tortureOutbox } from './torture/outbox.ts';

/** The long form is `npm run torture -- outbox`. */

const kafka = findKafka();

test.skipIf(!kafka)(
  'each message is written, under one id and in the order of its key, whatever is killed or frozen',
  { timeout: 300_000 },
  async () => {
    const lines: string[] = [];
    const report = await tortureOutbox(kafka!, {
      seed: 1,
      interruptions: ['kill', 'freeze', 'broker'],
      rounds: 1,
      claim: 2000,
      log: (line) => lines.push(line),
    });
    expect(report, lines.join('\n')).toMatchObject({ missing: 0, renamed: 0, outOfOrder: 0, left: 0, held: true });
  },
);
