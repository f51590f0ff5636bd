import { expect, test } from 'vitest';
import { loadProvider } from '../src/channels/registry.ts';
import { getReferencedDelivery } from '../src/receipts/receipt-subject.ts';
import { never, outgoing } from './support/channel-contract.ts';
import { sesReport, toRequest } from './support/stand-ins/sns.ts';
import { TWILIO_SID, twilioSettings } from './support/stand-ins/twilio.ts';

/** The reference that goes out with a message comes back in its reports: with the tenant, for an account that sends for all. */

const KEY = { notificationId: '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e', channel: 'email', target: '' };
const idempotencyKey = '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e.email';
const SES = {
  region: 'eu-west-1',
  access_key_id: 'AKIAIOSFODNN7EXAMPLE',
  secret_access_key: 'secret',
  from: 'bank@example.com',
};
const EMAIL = { kind: 'email', address: 'maria@example.com' } as const;
const PHONE = { kind: 'phone', number: '+351912345678' } as const;

/** Reports of providers on the message of a request, by provider. */
const REPORTS: { readonly [provider: string]: (body: string) => ReturnType<typeof toRequest> } = {
  ses(body) {
    const tags = (JSON.parse(body).EmailTags as { Name: string; Value: string }[]).map((one) => [
      one.Name,
      [one.Value],
    ]);
    return sesReport({ eventType: 'Delivery', mail: { messageId: 'm', tags: Object.fromEntries(tags) } });
  },
  sendgrid: (body) => toRequest([{ event: 'delivered', ...JSON.parse(body).personalizations[0].custom_args }]),
  twilio: (body) => ({
    ...toRequest(`MessageSid=${TWILIO_SID}&MessageStatus=delivered`),
    url: new URLSearchParams(body).get('StatusCallback')?.replace(/#.*/, '') as string,
  }),
};

test.each([
  ['ses', SES, EMAIL],
  ['sendgrid', { api_key: 'SG.key', from: 'bank@example.com' }, EMAIL],
  ['twilio', { ...twilioSettings('https://api.twilio.com') }, PHONE],
] as const)(
  '%s: a report names delivery and tenant, and an account of a tenant reports of no other',
  async (name, given, target) => {
    const definition = (await loadProvider(name))!;
    const settings = definition.settings.parse(given);
    const bodies: string[] = [];
    const http = {
      async send(_url: string, { body }: { readonly body: string }) {
        bodies.push(body);
        return { status: 500, headers: {}, body: '' };
      },
    };
    const provider = await definition.open(settings, { http: http as never, clock: Date.now });
    for (const tenantId of ['bank', 'default']) {
      const receiptUrl = 'https://tidings.example/api/v1/receipts/x';
      await provider.send(outgoing({ target, idempotencyKey, tenantId, receiptUrl }), never());
      const request = REPORTS[name]!(bodies.at(-1) as string);
      const [receipt] = definition.receipts!.read(request, settings).receipts;
      expect(getReferencedDelivery(receipt!, null)).toEqual({ ...KEY, tenantId });
      expect(getReferencedDelivery(receipt!, 'another')).toEqual({ ...KEY, tenantId: 'another' });
    }
  },
);
