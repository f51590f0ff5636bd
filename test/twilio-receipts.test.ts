import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { twilio } from '../src/channels/sms/twilio.ts';
import { fakeTools } from './support/stand-ins/sns.ts';
import { signTwilio, TWILIO_SID, twilioSettings } from './support/stand-ins/twilio.ts';

const URL_OF_US = 'https://tidings.example.com/api/v1/receipts/twilio/main?ref=n-1.sms';
const settings = twilio.settings.parse(twilioSettings('https://api.twilio.com'));
const reader = twilio.receipts!;

type Parameters = { readonly [name: string]: string };

/** Returns a request as Twilio makes it. */
function toCallback(
  parameters: Parameters,
  more: { readonly url?: string; readonly signedUrl?: string; readonly signature?: string } = {},
) {
  const url = more.url ?? URL_OF_US;
  const signature = more.signature ?? signTwilio(more.signedUrl ?? url, parameters);
  return {
    body: Buffer.from(new URLSearchParams(parameters).toString()),
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature },
    url,
    receivedAt: 1_790_000_000_000,
  };
}

const verify = (request: ReturnType<typeof toCallback>, account = settings) =>
  reader.verify(request, account, fakeTools().tools);
const read = (parameters: Parameters) => reader.read(toCallback(parameters), settings);
const status = (name: string, more: Parameters = {}) =>
  read({ MessageSid: TWILIO_SID, MessageStatus: name, To: '+351912345678', From: '+12025550123', ...more }).receipts;
const incoming = (Body: string, more: Parameters = {}) =>
  read({ MessageSid: TWILIO_SID, From: '+351912345678', To: '+12025550123', Body, ...more });

describe('the signature of Twilio', () => {
  test('is that of Twilio’s own example', async () => {
    const account = { ...settings, auth_token: '12345' };
    const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';
    const parameters = {
      CallSid: 'CA1234567890ABCDE',
      Caller: '+14158675309',
      Digits: '1234',
      From: '+14158675309',
      To: '+18005551212',
    };
    const signature = 'RSOYDt4T1cUTdK1PDd93/VVr8B8=';
    expect(await verify(toCallback(parameters, { url, signature }), account)).toBeUndefined();
    expect(await verify(toCallback({ ...parameters, Digits: '1235' }, { url, signature }), account)).toMatch(/match/);
  });

  test('covers URL, parameters and token', async () => {
    const parameters = { MessageSid: TWILIO_SID, MessageStatus: 'delivered', Empty: '', Text: 'a+b & ü' };
    expect(await verify(toCallback(parameters))).toBeUndefined();
    expect(await verify(toCallback(parameters, { signedUrl: `${URL_OF_US}x` }))).toMatch(/match/);
    expect(await verify(toCallback(parameters), { ...settings, auth_token: 'another' })).toMatch(/match/);
  });

  test.each(['https://tidings.example.com:443/x', 'https://tidings.example.com/x'])(
    'is good with and without the port: %s',
    async (signedUrl) => {
      for (const url of ['https://tidings.example.com:443/x', 'https://tidings.example.com/x']) {
        expect(await verify(toCallback({ A: '1' }, { url, signedUrl }))).toBeUndefined();
      }
    },
  );

  test('of JSON covers its hash in the URL', async () => {
    const body = '{"property": "value", "boolean": true}';
    const url = `${URL_OF_US}&bodySHA256=${createHash('sha256').update(body).digest('hex')}`;
    const request = { ...toCallback({}, { url }), body: Buffer.from(body) };
    expect(await verify(request)).toBeUndefined();
    expect(await verify({ ...request, body: Buffer.from(`${body} `) })).toMatch(/body/);
  });

  test.each(['', 'x', '🎉', 'A'.repeat(100_000)])(
    'that is garbage is rejected, not an exception',
    async (signature) => {
      expect(await verify(toCallback({ A: '1' }, { signature }))).toMatch(/signature/);
    },
  );

  test('is missing', async () => {
    const { headers: _, ...request } = toCallback({ A: '1' });
    expect(await reader.verify({ ...request, headers: {} }, settings, fakeTools().tools)).toMatch(/no signature/);
  });
});

describe('a status of Twilio', () => {
  test.each([
    ['queued', 'accepted'],
    ['sent', 'accepted'],
    ['delivered', 'delivered'],
    ['read', 'read'],
    ['undelivered', 'failed'],
    ['failed', 'failed'],
    ['canceled', 'failed'],
    ['brand_new', 'unknown'],
  ])('%s is the receipt %s', (name, kind) => {
    expect(status(name)).toEqual([expect.objectContaining({ kind, of: { providerMessageId: TWILIO_SID } })]);
  });

  test.each([
    ['30005', 'bounced', true],
    ['30006', 'bounced', true],
    ['21610', 'failed', true],
    ['30007', 'failed', true],
    ['30003', 'failed', false],
    ['30008', 'failed', false],
  ])('failed with %s is %s, permanent: %s', (ErrorCode, kind, isPermanent) => {
    expect(status('undelivered', { ErrorCode })).toEqual([
      expect.objectContaining({ kind, code: ErrorCode, isPermanent }),
    ]);
  });

  test('that comes again is the same receipt, another one is not', () => {
    const [first, again, other] = [status('delivered'), status('delivered'), status('failed', { ErrorCode: '30003' })];
    expect(again[0]?.id).toBe(first[0]?.id);
    expect(other[0]?.id).not.toBe(first[0]?.id);
  });

  test('of a message whose parts disagree makes both receipts', () => {
    expect(status('partially_delivered').map(({ kind }) => kind)).toEqual(['delivered', 'failed']);
    expect(new Set(status('partially_delivered').map(({ id }) => id)).size).toBe(2);
  });

  test('has no number in what is shown', () => {
    const [receipt] = status('undelivered', { ErrorCode: '30005', ErrorMessage: 'to +351912345678' });
    expect(JSON.stringify(receipt)).not.toContain('912345678');
  });
});

describe('an incoming message', () => {
  test.each([
    'STOP',
    'stop',
    ' Stop. ',
    'UNSUBSCRIBE',
    'End',
    'quit',
    'StopAll',
    'revoke',
    'OPTOUT',
    'opt-out',
    'cancel',
    'remove',
    'TD',
    'ARRÊT',
    'arret',
  ])('%s opts out', (text) => {
    expect(incoming(text).receipts).toEqual([
      expect.objectContaining({ kind: 'opted_out', of: { from: '+351912345678', text, to: ['+12025550123'] } }),
    ]);
  });

  test.each(['START', 'unstop', 'Yes!'])('%s opts in', (text) => {
    expect(incoming(text).receipts[0]).toMatchObject({ kind: 'opted_in' });
  });

  test.each(['Please stop', 'stop it', 'the end', 'stopp', '', '🛑', `STOP ${'x'.repeat(2000)}`])(
    '%j is kept, and changes nothing',
    (text) => {
      expect(incoming(text).receipts[0]).toMatchObject({ kind: 'unknown', of: { from: '+351912345678' } });
    },
  );

  test('is answered with an empty response, HELP with the text of the account', () => {
    expect(incoming('STOP').body).toEqual({ type: 'text/xml', text: '<Response></Response>' });
    const account = { ...settings, help_text: 'Call <us> & ask' };
    const request = toCallback({ MessageSid: TWILIO_SID, From: '+351912345678', Body: 'Help' });
    expect(reader.read(request, account).body?.text).toBe(
      '<Response><Message>Call &#60;us&#62; &#38; ask</Message></Response>',
    );
  });

  test('that Twilio’s Advanced Opt-Out has judged counts as it says', () => {
    expect(incoming('parar', { OptOutType: 'STOP' }).receipts[0]).toMatchObject({ kind: 'opted_out' });
    expect(incoming('stop', { OptOutType: 'HELP' }).receipts[0]).toMatchObject({ kind: 'unknown' });
  });
});

test('a form that says nothing is a receipt of the kind unknown, a body that should be JSON and is not valid is unreadable', () => {
  for (const body of [Buffer.from(''), Buffer.from([0xff, 0, 0x80]), Buffer.from('{"a":')]) {
    const request = { ...toCallback({}), body };
    expect(reader.read(request, settings).receipts).toEqual([expect.objectContaining({ kind: 'unknown' })]);
    const json = { ...request, headers: { 'content-type': 'application/json' } };
    expect(reader.read(json, settings)).toEqual({ receipts: [], fault: 'The body is not a JSON object.' });
  }
});
