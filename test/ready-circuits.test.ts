import { expect, test, vi } from 'vitest';
import { useDeliveryProcesses } from './support/delivery-processes.ts';
import { mailSink } from './support/mailsink.ts';

vi.setConfig({ testTimeout: 60_000 });

const prepare = useDeliveryProcesses();

test('a mail server that is down is named by ready, which stays 200, and is one warning in the log', async () => {
  const sink = await mailSink();
  await sink.close();
  const processes = await prepare(sink, 30_000);
  const { program, url } = await processes.start('start');
  const ready = async () => {
    const response = await fetch(`${url}/healthz/ready`);
    return { status: response.status, body: (await response.json()) as { circuits?: unknown } };
  };
  expect(await ready()).not.toHaveProperty('body.circuits');
  await processes.postEmails(url, 'mail', 40);
  await expect
    .poll(ready, { timeout: 20_000 })
    .toMatchObject({ status: 200, body: { status: 'degraded', circuits: [{}] } });
  const outage = {
    provider: 'smtp',
    account: null,
    domain: null,
    of: 'installation',
    code: expect.any(String),
    since: expect.stringMatching(/^\d{4}-.*Z$/),
    cause: 'the mail server cannot be reached (ECONNREFUSED)',
    next_probe_at: expect.stringMatching(/^\d{4}-.*Z$/),
  };
  expect((await ready()).body.circuits).toEqual([outage]);
  expect((await ready()).body).toMatchObject({
    checks: expect.arrayContaining([
      {
        name: 'circuits',
        status: 'degraded',
        since: outage.since,
        cause: `smtp: ${outage.cause}`,
        hint: expect.stringContaining('next_probe_at'),
      },
    ]),
  });
  const queue = await fetch(`${url}/api/v1/queue`);
  expect(((await queue.json()) as { circuits?: unknown }).circuits).toEqual([outage]);
  const warnings = program.stderr
    .split('\n')
    .filter((line) => line.includes('"level":40'))
    .map((line) => JSON.parse(line));
  expect(warnings).toMatchObject([{ ...outage, msg: expect.stringContaining('circuit opened') }]);
});
