import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { INSTALLATION_SCOPES, systemActor } from '../../src/model/principal.ts';
import { sendNotifications } from '../../src/notify/send-notifications.ts';
import { ingestEach, useChannelCatalog } from '../channel-catalog.ts';
import { type Row, rate } from '../row.ts';
import { withTidings } from '../setup.ts';

const RECIPIENTS = 1000;

/** Requests for one notification to each of a thousand users, against events of as many users of which each sends the same one. */
export const sendsRow: Row = {
  id: 'sends',
  name: 'direct sends decided and stored, 1000 recipients a request',
  unit: 'sends/s',
  against: 'events that each send the same notification, 1000 a call',
  direction: 'higher',
  atLeast: 0.6,
  goal: 0.8,
  async measure(setup) {
    const count = Math.ceil(Math.min(setup.events, 20_000) / RECIPIENTS) * RECIPIENTS;
    return setup.withDatabase(async (database) => {
      await useChannelCatalog(database);
      return withTidings(database, async (tidings) => {
        const { pipeline, catalogs, seal } = tidings;
        const parts = { pipeline, catalogs, seal, pool: database.pool, clock: Date.now };
        const asker = { tenantId: DEFAULT_TENANT, actor: systemActor('bench'), scopes: new Set(INSTALLATION_SCOPES) };
        const limit = await rate(count, () => ingestEach(tidings, 'note', count));
        const value = await rate(count, async () => {
          for (let next = 0; next < count; next += RECIPIENTS) {
            const recipients = Array.from({ length: RECIPIENTS }, (_, n) => ({ user_id: `s_${next + n}` }));
            const request = { type: 'NOTE', recipients };
            const operation = { ...asker, operationId: `bench ${next}` };
            const { accepted } = await sendNotifications(parts, operation, request, false);
            if (accepted !== RECIPIENTS) throw new Error(`${accepted} of ${RECIPIENTS} were accepted`);
          }
        });
        return { value, limit };
      });
    });
  },
};
