import { createHash, createHmac } from 'node:crypto';
import { simpleParser } from 'mailparser';
import { expect, test } from 'vitest';
import { ses } from '../src/channels/email/ses.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { ADDRESS, never, outgoing } from './support/channel-contract.ts';
import { testDefinition } from './support/definition-contract.ts';
import { type SeenRequest, startStandIn } from './support/stand-ins/http-stand-in.ts';
import { answerSes, isSesSend, SES_ACCEPTS } from './support/stand-ins/ses.ts';

const settings = (base_url: string) => ({
  region: 'eu-west-1',
  access_key_id: 'AKIAIOSFODNN7EXAMPLE',
  secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  session_token: 'a-session-token',
  from: 'Bank <bank@example.com>',
  configuration_set: 'tidings',
  base_url,
});

testDefinition(ses, {
  settings,
  target: { kind: 'email', address: ADDRESS },
  accept: () => SES_ACCEPTS,
  answer: answerSes,
  isSend: isSesSend,
  keyOf: ({ body }) => JSON.parse(body).EmailTags,
  check: {
    good: { body: { SendingEnabled: true, ProductionAccessEnabled: true } },
    bad: { status: 403, headers: { 'x-amzn-errortype': 'UnrecognizedClientException' }, body: { message: 'no' } },
  },
});

test('sends the whole email, signed for the region, with our reference as a tag', async () => {
  const standIn = await startStandIn(SES_ACCEPTS);
  const http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
  const provider = await ses.open(ses.settings.parse(settings(standIn.url)), { http, clock: Date.now });
  const files = [{ name: 'Beleg 1.pdf', type: 'application/pdf', content: Buffer.from('%PDF') }];
  const message = { subject: 'Olá', text: 'Hello', html: '<p>Hello</p>', attachments: files };
  const unsubscribeUrl = 'https://tidings.example/u/abc';
  expect(await provider.send(outgoing({ message, unsubscribeUrl }), never())).toMatchObject({ kind: 'sent' });
  const { headers, body } = standIn.requests[0]!;
  expect(headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-west-1\/ses\/aws4_request, SignedHeaders=[a-z0-9;-]*host[a-z0-9;-]*, Signature=[0-9a-f]{64}$/,
  );
  expect(headers['x-amz-security-token']).toBe('a-session-token');
  expect(headers.authorization).toContain(`Signature=${computeSignature(standIn.requests[0]!)}`);
  const sent = JSON.parse(body);
  expect(sent).toMatchObject({
    FromEmailAddress: 'bank@example.com',
    Destination: { ToAddresses: [ADDRESS] },
    ConfigurationSetName: 'tidings',
    EmailTags: [{ Name: 'tidings_key', Value: expect.stringMatching(/^[\w-]+$/) }],
  });
  const mail = await simpleParser(Buffer.from(sent.Content.Raw.Data, 'base64'));
  expect(mail).toMatchObject({ subject: 'Olá', html: '<p>Hello</p>', attachments: [{ filename: 'Beleg 1.pdf' }] });
  expect(mail.headerLines.map(({ key }) => key)).toEqual(
    expect.arrayContaining(['list-unsubscribe', 'list-unsubscribe-post']),
  );
  await provider.close();
  await http.close();
  await standIn.stop();
});

test('a template of SES goes out with the headers to unsubscribe and the name of the sender', async () => {
  const standIn = await startStandIn(SES_ACCEPTS);
  const http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
  const account = {
    ...settings(standIn.url),
    from: 'Café Olá <bank@example.com>',
    reply_to: 'Help <help@example.com>',
  };
  const provider = await ses.open(ses.settings.parse(account), { http, clock: Date.now });
  const message = { text: '', hosted: { template: 'PROMO', data: { n: 1 } } };
  await provider.send(outgoing({ message, unsubscribeUrl: 'https://tidings.example/u/abc' }), never());
  await provider.send(outgoing({ message }), never());
  const [withLink, without] = standIn.requests.map(({ body }) => JSON.parse(body));
  expect(withLink).toMatchObject({
    FromEmailAddress: `=?UTF-8?B?${Buffer.from('Café Olá').toString('base64')}?= <bank@example.com>`,
    ReplyToAddresses: ['"Help" <help@example.com>'],
    Content: {
      Template: {
        TemplateName: 'PROMO',
        Headers: [
          { Name: 'List-Unsubscribe', Value: '<https://tidings.example/u/abc>' },
          { Name: 'List-Unsubscribe-Post', Value: 'List-Unsubscribe=One-Click' },
        ],
      },
    },
  });
  expect(without.Content.Template).toEqual({ TemplateName: 'PROMO', TemplateData: '{"n":1}' });
  await provider.close();
  await http.close();
  await standIn.stop();
});

/** Computes the signature of a request as AWS does, from what arrived (Signature Version 4). */
function computeSignature({ method, path, headers, bytes }: SeenRequest): string {
  const hash = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const [, scope = '', names = ''] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+)/.exec(String(headers.authorization)) ?? [];
  const written = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = [method, path, '', written.join(''), names, hash(bytes)].join('\n');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash(canonical)].join('\n');
  const secret = settings('').secret_access_key;
  const key = scope.split('/').reduce<string | Buffer>((inner, part) => hmac(inner, part), `AWS4${secret}`);
  return hmac(key, text).toString('hex');
}
