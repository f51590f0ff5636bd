import { expect, test } from 'vitest';
import { ses } from '../src/channels/email/ses.ts';
import { ReceiptIntake } from '../src/receipts/receipt-intake.ts';
import { fakeTools, signEnvelope, TOPIC, toRequest } from './support/stand-ins/sns.ts';
import { silent } from './support/tidings.ts';

/** Requests of SNS while it cannot be reached: it repeats what is answered with 5xx, and nothing else. */

const SETTINGS = ses.settings.parse({
  region: 'eu-west-1',
  access_key_id: 'AKIAIOSFODNN7EXAMPLE',
  secret_access_key: 'secret',
  from: 'bank@example.com',
  topic_arns: [TOPIC],
});
let certificates = 0;

/** Returns an intake whose requests to SNS are answered so. */
function intakeOf(answer: (url: string) => number | Error): { take(body: object): Promise<unknown>; asked: string[] } {
  const { tools } = fakeTools();
  const asked: string[] = [];
  const http = {
    async send(url: string, options: never) {
      asked.push(url);
      const status = answer(url);
      if (status instanceof Error) throw status;
      return { ...(await tools.http.send(url, options)), status };
    },
  } as unknown as typeof tools.http;
  const definition = ses as never;
  const intake = new ReceiptIntake({
    accounts: { find: async () => ({ definition, settings: SETTINGS, tenantId: null, account: null }) },
    getTools: () => ({ ...tools, http }),
    log: silent,
    clock: Date.now,
  } as never);
  return { asked, take: (body) => intake.take('ses', null, toRequest(body)) };
}

const subscribe = () =>
  signEnvelope({
    Type: 'SubscriptionConfirmation',
    Message: 'You have chosen',
    Token: 't',
    SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(TOPIC)}&Token=t`,
    // Each test has a certificate of its own: those that were fetched are kept.
    SigningCertURL: `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${++certificates}x.pem`,
  });
const isConfirmation = (url: string) => url.includes('ConfirmSubscription');

test.each([500, 403, new Error('reset')])(
  'a subscription that cannot be confirmed (%s) is answered 503, and confirmed when SNS repeats it',
  async (failure) => {
    let isUp = false;
    const { take, asked } = intakeOf((url) => (isConfirmation(url) && !isUp ? failure : 200));
    const body = subscribe();
    await expect(take(body)).rejects.toMatchObject({ code: 'overloaded' });
    isUp = true;
    expect(await take(body)).toBeUndefined();
    expect(asked.filter(isConfirmation)).toHaveLength(2);
  },
);

test.each([500, 429, new Error('reset')])(
  'a request whose certificate cannot be fetched now (%s) is answered 503, not 401, and nothing is confirmed',
  async (failure) => {
    const { take, asked } = intakeOf(() => failure);
    await expect(take(subscribe())).rejects.toMatchObject({ code: 'overloaded' });
    expect(asked.filter(isConfirmation)).toEqual([]);
  },
);

test('a certificate that does not exist proves nothing: 401', async () => {
  const { take } = intakeOf(() => 404);
  await expect(take(subscribe())).rejects.toMatchObject({ code: 'unauthorized' });
});
