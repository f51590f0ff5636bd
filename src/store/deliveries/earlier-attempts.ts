import type pg from 'pg';
import type { AttemptOutcomeKind, FailureScope } from '../../model/delivery.ts';
import type { DeliveryId } from '../../model/delivery-id.ts';

/** Attempts of a delivery that are looked at, at most: those in doubt, and the latest of the others. */
const MAX_ATTEMPTS = 100;

/** An attempt, as far as it matters for the choice of the account of the next one. */
export interface EarlierAttempt {
  /** `unknown`: a worker ended in the middle of it, and it is not known by which account. */
  readonly provider: string;
  /** Null: that of the installation. */
  readonly account: string | null;
  readonly outcome: AttemptOutcomeKind;
  /** Thing that the failure concerned; null: it was not temporary, or did not say. */
  readonly scope: FailureScope | null;
}

/** Returns the earlier attempts of a delivery, those in doubt before the others, and of both the latest one first. */
export async function loadEarlierAttempts(
  pool: pg.Pool,
  { tenantId, notificationId, channel, target }: DeliveryId & { readonly tenantId: string },
): Promise<EarlierAttempt[]> {
  const { rows } = await pool.query<EarlierAttempt>({
    name: 'earlier-attempts',
    text: `select provider, account, outcome, scope from attempts
           where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4
           order by (outcome = 'in_doubt') desc, attempt desc limit ${MAX_ATTEMPTS}`,
    values: [tenantId, notificationId, channel, target],
  });
  return rows;
}
