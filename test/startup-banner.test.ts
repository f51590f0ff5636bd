import { describe, expect, test } from 'vitest';
import { formatDelivery, formatStartupBanner } from '../src/cli/output/startup-banner.ts';

describe('the startup banner', () => {
  const running = {
    url: 'http://localhost:8000',
    healthUrl: 'http://localhost:8000',
    database: 'embedded',
    catalog: { version: 3 },
    stop: async () => {},
  } as const;
  const config = {
    apiKeys: [] as string[],
    dataDir: '/data',
    providers: { internal: 'log' },
    tenant: 'default',
  } as const;
  const both = { api: true, workers: true };
  const sample = { event: { user_id: 'u_1', event_type: "it's" }, notification: 'HELLO' };

  test('has a command to copy, and one that explains the result', () => {
    const text = formatStartupBanner(both, running, config, sample);
    expect(text).toContain(`curl -X POST http://localhost:8000/api/v1/events -H 'content-type: application/json' \\\n`);
    expect(text).toContain(`-d '{"user_id":"u_1","event_type":"it'\\''s"}'\n`);
    expect(text).toContain('curl http://localhost:8000/api/v1/explain/u_1/HELLO\n');
    expect(formatStartupBanner(both, running, { ...config, apiKeys: ['a key of 16 characters'] }, sample)).toMatch(
      /(curl [^\n]*-H 'authorization: Bearer KEY'.*){2}/s,
    );
  });

  test('has no commands without a sample event or without the API', () => {
    expect(formatStartupBanner(both, running, config, null)).not.toMatch(/Try|curl/);
    expect(formatStartupBanner({ api: false, workers: true }, { ...running, url: null }, config, null)).not.toMatch(
      /Try|Console/,
    );
  });

  test('has the address for probes without the API', () => {
    const text = formatStartupBanner(
      { api: false, workers: true },
      { ...running, url: null, healthUrl: 'http://localhost:8001' },
      config,
      null,
    );
    expect(text).toContain('Health    http://localhost:8001/healthz/ready\n');
    expect(formatStartupBanner(both, running, config, sample)).not.toContain('Health');
  });

  test('says nothing about delivery without the workers', () => {
    expect(formatStartupBanner(both, running, config, null)).toContain('Delivery  Nothing leaves this machine: ');
    expect(formatStartupBanner({ api: true, workers: false }, running, config, null)).not.toContain('Delivery');
  });

  test.each([
    [
      { internal: 'log' },
      'Nothing leaves this machine: email, SMS, push, in-app, webhook and chat stay in the sandbox; internal goes to the log.',
    ],
    [
      { internal: 'log', email: 'smtp' },
      'Email is sent by SMTP; SMS, push, in-app, webhook and chat stay in the sandbox; internal goes to the log.',
    ],
    [
      { internal: 'log', webhook: 'webhook' },
      'Webhook goes to its endpoints; email, SMS, push, in-app and chat stay in the sandbox; internal goes to the log.',
    ],
    [
      { internal: 'noop', email: 'noop', sms: 'log', push: 'log' },
      'Nothing leaves this machine: in-app, webhook and chat stay in the sandbox; SMS and push go to the log; email and internal are discarded.',
    ],
  ] as const)('%o', (providers, sentence) => {
    expect(formatDelivery(providers)).toBe(sentence);
  });

  test('accounts of tenants are named, and then it does not say that nothing leaves the machine', () => {
    const text = formatDelivery({ internal: 'log' }, {}, ['sms', 'email']);
    expect(text).toMatch(/^Email, SMS, .* stay in the sandbox; internal goes to the log\. /);
    expect(text).toContain(' Tenants with accounts of their own send email and SMS by these.');
    expect(formatStartupBanner(both, { ...running, accountChannels: ['sms'] }, config, null)).toContain('send SMS by');
  });
});
