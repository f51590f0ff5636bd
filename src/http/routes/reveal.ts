import { TidingsError } from '../../errors.ts';
import { parseDeliveryId } from '../../model/delivery-id.ts';
import type { JsonObject } from '../../model/event.ts';
import type { Principal } from '../../model/principal.ts';
import { appendAuditEntry } from '../../store/audit-log.ts';
import { revealAddresses, revealMessage } from '../../store/members/reveal.ts';
import type { App, HttpDependencies } from '../app.ts';
import { deliveryParams } from '../schemas/deliveries.ts';
import { reveal, revealedAddresses, revealedMessage } from '../schemas/me.ts';
import { auditParams } from '../schemas/users.ts';

/** Data that is masked everywhere else. Each look is recorded before it is answered: who, whose, why. */
export function registerRevealRoutes(app: App, { database, seal, clock }: HttpDependencies): void {
  app.post(
    '/api/v1/users/:user_id/reveal',
    {
      config: { scope: 'personal_data:read', errors: ['not_found', 'not_readable'] },
      schema: {
        operationId: 'revealAddresses',
        summary: 'Show the addresses of a user, unmasked; the reason goes to the audit log',
        tags: ['users'],
        params: auditParams,
        body: reveal,
        response: { 200: revealedAddresses },
      },
    },
    async ({ principal, params: { user_id }, body }, reply) => {
      const addresses = await revealAddresses(
        database.forTenant(principal.tenantId),
        seal,
        principal.tenantId,
        user_id,
      );
      if (!addresses) throw new TidingsError('not_found', 'There is no such user.');
      if (addresses === 'unreadable') throw notReadable('The addresses');
      const { email, phone, others } = addresses;
      const fields = Object.entries({ email, phone, others: others.length > 0 || undefined });
      await record(principal, 'user.revealed', user_id, {
        reason: body.reason,
        fields: fields.flatMap(([name, value]) => (value === undefined ? [] : name)),
      });
      reply.header('cache-control', 'no-store');
      return { user_id, email: email ?? null, phone: phone ?? null, ...(others.length > 0 && { others }) };
    },
  );

  app.post(
    '/api/v1/deliveries/:id/reveal',
    {
      config: { scope: 'personal_data:read', errors: ['not_found', 'not_readable'] },
      schema: {
        operationId: 'revealMessage',
        summary: 'Show the message of a delivery as it was sent, unmasked; the reason goes to the audit log',
        tags: ['deliveries'],
        params: deliveryParams,
        body: reveal,
        response: { 200: revealedMessage },
      },
    },
    async ({ principal, params, body }, reply) => {
      const id = parseDeliveryId(params.id);
      const message = id && (await revealMessage(database.forTenant(principal.tenantId), seal, principal.tenantId, id));
      if (!id || !message) throw new TidingsError('not_found', 'No message is stored for this delivery.');
      if (message === 'unreadable') throw notReadable('The message');
      await record(principal, 'delivery.revealed', params.id, { reason: body.reason });
      reply.header('cache-control', 'no-store');
      return { delivery_id: params.id, channel: id.channel, ...message };
    },
  );

  function record({ tenantId, actor }: Principal, action: string, subject: string, detail: JsonObject): Promise<void> {
    return appendAuditEntry(database.forTenant(tenantId), { tenantId, actor, action, subject, detail }, clock());
  }
}

function notReadable(what: string): TidingsError {
  return new TidingsError('not_readable', `${what} cannot be opened with the current encryption key.`);
}
