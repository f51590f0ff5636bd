import { describe, expect, test } from 'vitest';
import { type Considered, writeExplanation } from '../src/explain/paragraph.ts';
import type { DeliveryStatus } from '../src/model/delivery.ts';

/** The answer to "did this user receive this?", from the latest decision to send it and its deliveries. */

const DECIDED =
  'The rule WELCOME decided to send WELCOME to ana, on signup of 31 October 2025 at 19:00 UTC. To be sent: signup always triggers it.';
const TWICE = DECIDED.replace('decided to', 'decided twice to').replace('on signup', 'the latest time on signup');

describe('one decision to send', () => {
  test.each<[string, readonly DeliveryStatus[], string, string]>([
    ['sent', ['sent'], 'sent', `${DECIDED} It was sent by email through post on 31 October 2025 at 19:01 UTC.`],
    ['queued', ['queued'], 'on_its_way', `${DECIDED} It is on its way by email (because of queued).`],
    ['sending', ['sending'], 'on_its_way', `${DECIDED} It is on its way by email (because of sending).`],
    [
      'undeliverable',
      ['undeliverable'],
      'not_delivered',
      `WELCOME was not delivered to ana. ${DECIDED} It could not be delivered by email on 31 October 2025 at 19:01 UTC: because of undeliverable.`,
    ],
    [
      'dead',
      ['dead'],
      'not_delivered',
      `WELCOME was not delivered to ana. ${DECIDED} It could not be delivered by email on 31 October 2025 at 19:01 UTC: because of dead.`,
    ],
    [
      'cancelled',
      ['cancelled'],
      'not_delivered',
      `WELCOME was not delivered to ana. ${DECIDED} It was cancelled before it was sent by email on 31 October 2025 at 19:01 UTC: because of cancelled.`,
    ],
    [
      'in doubt, which is not "no"',
      ['in_doubt'],
      'not_delivered',
      `It is not known whether WELCOME was delivered to ana. ${DECIDED} It is not known whether it was sent by email: because of in_doubt.`,
    ],
    [
      'one of two channels is enough',
      ['dead', 'sent'],
      'sent',
      `${DECIDED} It could not be delivered by email on 31 October 2025 at 19:01 UTC: because of dead. It was sent by SMS through post on 31 October 2025 at 19:01 UTC.`,
    ],
    [
      'one of two channels may still come',
      ['undeliverable', 'queued'],
      'on_its_way',
      `${DECIDED} It could not be delivered by email on 31 October 2025 at 19:01 UTC: because of undeliverable. It is on its way by SMS (because of queued).`,
    ],
    ['no delivery is left', [], 'not_delivered', `WELCOME was not delivered to ana. ${DECIDED}`],
  ])('%s', (_, statuses, answer, paragraph) => {
    const deliveries = statuses.map((status, index) => delivery('n1', status, index === 0 ? 'email' : 'sms'));
    expect(writeExplanation(considered([send('n1')], deliveries))).toEqual({ answer, paragraph });
  });
});

describe('several decisions', () => {
  test('the latest one to send counts, and an earlier sent one is mentioned', () => {
    const deliveries = [delivery('n2', 'dead'), delivery('n1', 'sent', 'sms')];
    expect(writeExplanation(considered([send('n2'), send('n1')], deliveries))).toEqual({
      answer: 'not_delivered',
      paragraph: `WELCOME was not delivered to ana. ${TWICE} It could not be delivered by email on 31 October 2025 at 19:01 UTC: because of dead. An earlier one was sent by SMS through post on 31 October 2025 at 19:01 UTC.`,
    });
  });

  test('the outcome of an earlier one does not count once the latest was sent', () => {
    const deliveries = [delivery('n2', 'sent'), delivery('n1', 'dead')];
    expect(writeExplanation(considered([send('n2'), send('n1')], deliveries))).toEqual({
      answer: 'sent',
      paragraph: `${TWICE} It was sent by email through post on 31 October 2025 at 19:01 UTC.`,
    });
  });

  test('one to send is found behind later ones that do not send', () => {
    const not = { ...send('n2'), outcome: 'suppressed', notification_id: null, reason: 'Not sent: enough.' };
    expect(writeExplanation(considered([not, send('n1')], [delivery('n1', 'undeliverable')]))).toEqual({
      answer: 'not_delivered',
      paragraph: `WELCOME was not delivered to ana. ${DECIDED} It could not be delivered by email on 31 October 2025 at 19:01 UTC: because of undeliverable. It was also considered once without being sent, on signup of 31 October 2025 at 19:00 UTC. Not sent: enough.`,
    });
    expect(writeExplanation(considered([not], []))).toEqual({
      answer: 'not_sent',
      paragraph:
        'WELCOME was not sent to ana. The rule WELCOME considered it once, on signup of 31 October 2025 at 19:00 UTC. Not sent: enough.',
    });
  });

  test('the end of an old wait does not hide a reminder that was moved', () => {
    const none = { ...send('n1'), notification_id: null };
    const moved = { ...none, outcome: 'cancelled', reason_code: 'superseded', reason: 'Cancelled: moved.' };
    const waiting = { ...none, outcome: 'scheduled', reason_code: 'waiting', reason: 'Waiting until noon.' };
    for (const decisions of [
      [moved, waiting],
      [waiting, moved],
    ]) {
      expect(writeExplanation(considered(decisions, []))).toEqual({
        answer: 'waiting',
        paragraph: expect.stringMatching(/^WELCOME has not been sent to ana yet\. .*Waiting until noon\.$/),
      });
    }
  });
});

function considered(decisions: Considered['decisions'], deliveries: Considered['deliveries']): Considered {
  return {
    userId: 'ana',
    notificationType: 'WELCOME',
    known: true,
    catalogVersion: 1,
    rules: [],
    decisions,
    latestSend: decisions.find(({ outcome }) => outcome === 'send') ?? null,
    isComplete: true,
    counts: {
      sends: decisions.filter(({ outcome }) => outcome === 'send').length,
      others: decisions.filter(({ outcome }) => outcome !== 'send' && outcome !== 'scheduled').length,
      considered: new Map([['WELCOME', decisions.length]]),
    },
    elsewhere: new Map(),
    outside: new Set(),
    deliveries,
    seen: new Map(),
    rejected: [],
  };
}

function send(notificationId: string): Considered['decisions'][number] {
  return {
    outcome: 'send',
    reason_code: 'matched',
    reason: 'To be sent: signup always triggers it.',
    rule: 'WELCOME',
    event_id: 'e1',
    event_type: 'signup',
    event_timestamp: '2025-10-31T19:00:00.000Z',
    event_ids: ['e1'],
    notification_id: notificationId,
  };
}

describe('what receipts say', () => {
  test.each([
    ['delivered', [], 'It was delivered.'],
    [
      'delivered',
      ['opened', 'machine_clicked', 'clicked'],
      'It was delivered. Its reader opened it and clicked a link.',
    ],
    ['bounced', ['unsubscribed'], 'It came back: the provider could not deliver it. Its reader unsubscribed.'],
  ] as const)('%s, with %j, is said in whole sentences', (receipt_state, receipt_flags, sentence) => {
    const sent = { ...delivery('n1', 'sent'), receipt_state, receipt_flags };
    const { paragraph } = writeExplanation(considered([send('n1')], [sent]));
    expect(paragraph).toBe(`${DECIDED} It was sent by email through post on 31 October 2025 at 19:01 UTC. ${sentence}`);
  });
});

function delivery(notificationId: string, status: DeliveryStatus, channel = 'email'): Considered['deliveries'][number] {
  const finished = status !== 'queued' && status !== 'sending';
  return {
    notification_id: notificationId,
    channel,
    status,
    provider: 'post',
    reason: status === 'sent' ? null : `because of ${status}`,
    finished_at: finished ? '2025-10-31T19:01:00.000Z' : null,
  };
}
