import type { JsonObject } from '../../src/model/event.ts';
import { compileTemplate, renderMessage } from '../../src/templates/template.ts';
import { type Child, startChild } from '../child.ts';
import { makeSignups, type PostedEvent } from '../events.ts';
import { bareMail } from '../limits.ts';
import { type Row, rate } from '../row.ts';
import { allDelivered, type Setup, withTidings } from '../setup.ts';
import { ingestAll } from './batch.ts';

/** Email to a sink in another process, against nodemailer by itself with as many connections and the same messages. */
export const smtpRow: Row = {
  id: 'smtp',
  name: 'delivery to a local SMTP sink',
  unit: 'messages/s',
  against: 'bare nodemailer, the same pool and messages',
  direction: 'higher',
  atLeast: 0.8,
  goal: 1.3,
  async measure(setup) {
    const { smtpProvider } = await import('../../src/channels/email/smtp.ts');
    const traffic = setup.traffic(4000);
    const events = makeSignups(traffic);
    const sink: Child<void> = await startChild('smtp-sink.ts', {});
    const url = `smtp://127.0.0.1:${sink.ready}`;
    const provider = smtpProvider({ url, from: 'Tidings <tidings@example.com>' });
    try {
      const limit = await bareMail(url, provider.concurrency, renderAll(setup, events));
      const value = await setup.withDatabase((database) =>
        withTidings(
          database,
          async (tidings) => {
            await ingestAll(tidings, database, events);
            return rate(traffic.count, async () => {
              await tidings.deliver();
              await allDelivered(database);
            });
          },
          { email: provider },
        ),
      );
      return { value, limit };
    } finally {
      await provider.close();
      await sink.stop();
    }
  },
};

/** As Tidings would send them; made beforehand, which is to the limit's advantage. */
function renderAll({ catalog }: Setup, events: readonly PostedEvent[]) {
  const source = catalog.templates.find((template) => template.notificationType === 'WELCOME_EMAIL');
  const compiled = source && compileTemplate(source);
  if (!compiled || 'problems' in compiled) throw new Error('the example has no template for WELCOME_EMAIL');
  return events.map(({ user_id, user_traits, properties }) => {
    const traits = user_traits as JsonObject;
    const notification = { id: user_id, type: 'WELCOME_EMAIL', channel: 'email', user_id };
    const rendered = renderMessage(compiled.template, { event: properties, traits, user: traits, notification });
    if ('error' in rendered) throw new Error(rendered.error);
    const { subject = '', text, html = '' } = rendered.message;
    return { to: user_traits.email, subject, text, html };
  });
}
