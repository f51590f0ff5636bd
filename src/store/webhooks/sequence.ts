import { packTextArray } from '../pg/params.ts';
import type { Statement } from '../pg/pipeline.ts';
import type { Connection } from '../pg/pool.ts';

/** Order of what endpoints of webhooks receive about a user. */

/**
 * Gives the next numbers to notifications of this transaction, in their order. The locks of their users are held, so a later
 * transaction of a user gives higher ones. Without endpoints that may receive one, nothing is written.
 */
export function sequenceStatement(
  tenantId: string,
  notifications: readonly { readonly userId: string; readonly notificationId: string }[],
): Statement {
  return {
    name: 'number-notifications',
    text: NUMBER,
    values: [
      tenantId,
      packTextArray(notifications.map(({ userId }) => userId)),
      packTextArray(notifications.map(({ notificationId }) => notificationId)),
    ],
  };
}

// Numbers are drawn in the order of the arrays: the sort is done before.
const NUMBER = `
with numbered as materialized (
  select user_id, notification_id, nextval('webhook_sequence') as sequence from (
    select * from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::uuid[]) with ordinality as n(user_id, notification_id, i)
    where exists (select from webhook_endpoints where tenant_id = $1) order by i
  ) as sorted
)
update notifications as n set sequence = numbered.sequence from numbered
where n.tenant_id = $1 and n.user_id = numbered.user_id and n.notification_id = numbered.notification_id`;

/**
 * Sets the sequence after a restore to go on above what any database has given until now: it gives less than one number a
 * microsecond.
 */
export async function raiseSequence(connection: Pick<Connection, 'query'>): Promise<void> {
  await connection.query(
    `select setval('webhook_sequence', greatest(last_value, (extract(epoch from clock_timestamp()) * 1000000)::bigint))
     from webhook_sequence`,
  );
}
