import { type CatalogProcesses, countByStatus, useCatalogProcesses } from './catalog-processes.ts';
import { deliveryCatalog, eventOf } from './deliveries.ts';
import type { MailSink } from './mailsink.ts';

/** Processes that deliver the emails of one database to one mail server. */
export interface DeliveryProcesses extends CatalogProcesses {
  /** Posts as many events, one for each user, whose emails are of a type that resends or holds. */
  postEmails(url: string | null, type: 'mail' | 'held', count: number): Promise<void>;
  /** Counts the deliveries of each status. */
  countByStatus(): Promise<{ [status: string]: number }>;
  /** Returns the IDs of the deliveries with an attempt that is, or was, in doubt. */
  inDoubt(): Promise<string[]>;
}

/** Prepares the tests of a file: call it once, at its top. Processes are killed and databases dropped after each test. */
export function useDeliveryProcesses(): (
  sink: MailSink,
  leaseMs: number,
  files?: { readonly [file: string]: string },
) => Promise<DeliveryProcesses> {
  const startProcesses = useCatalogProcesses();
  return async (sink, leaseMs, files = {}) => {
    const processes = await startProcesses({ catalog: deliveryCatalog(files), leaseMs, env: { SMTP_URL: sink.url } });
    const { database } = processes;
    return {
      ...processes,
      async postEmails(url, type, count) {
        const events = Array.from({ length: count }, (_, n) =>
          eventOf(type, { n, user: `user ${n}`, traits: { email: `user${n}@example.com` } }),
        );
        const response = await fetch(`${url}/api/v1/events`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(events),
        });
        if (response.status !== 202) throw new Error(await response.text());
      },
      countByStatus: () => countByStatus(database),
      async inDoubt() {
        const { rows } = await database.pool.query(
          `select notification_id || '.' || channel as id from attempts
           where outcome = 'in_doubt' or reason like '%it was in doubt until%'`,
        );
        return rows.map(({ id }) => id);
      },
    };
  };
}
