import type pg from 'pg';
import { markOwn } from '../../events/own-events.ts';
import { CARD_REGISTERED, type CardRegistration } from '../../model/connector.ts';
import { saveRegistration } from '../../store/connectors/products.ts';
import type { ClaimedTask } from '../../store/connectors/tasks.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Attempt, AttemptResult } from '../attempt.ts';
import type { CallFailure } from '../call-failure.ts';
import type { ConnectorParts } from '../parts.ts';
import { askNetwork, askUpstream } from './ask-network.ts';
import { type CardAnswer, readCardAnswer } from './card-answer.ts';

const REASONS = {
  unusable: 'The card is in a bad state and cannot be registered.',
  retry: 'The card network asks to try again.',
} as const;

/**
 * Registers a product of a user with the card network. A subscriber that the answer names is stored, also when some cards are to be
 * tried again.
 * @throws CallFailure
 */
export async function registerCard(
  parts: ConnectorParts,
  attempt: Attempt,
  connector: CardRegistration,
): Promise<AttemptResult> {
  const { task } = attempt;
  const productId = task.productId ?? '';
  const { answer, token } = connector.network
    ? await askNetwork(parts, attempt, connector, connector.network, productId)
    : await askUpstream(parts, attempt, connector, productId);
  const read = readCardAnswer(answer, token);
  const { outcome, code, subscriberReferenceId } = read;
  const of = { tenantId: task.tenantId, productId };
  return {
    events: outcome === 'registered' ? [toRegistered(task, read)] : [],
    // The network has the subscriber, whichever worker receives the answer first.
    isLasting: subscriberReferenceId !== null,
    ...((outcome !== 'retry' || subscriberReferenceId !== null) && {
      async record(connection) {
        const registration = outcome === 'unusable' ? 'unusable' : 'registered';
        const result = { registration, code, subscriberReferenceId } as const;
        await saveRegistration(connection, parts.seal, of, result, parts.clock());
      },
    }),
    ...(outcome !== 'registered' && {
      failure: {
        code: outcome === 'unusable' ? 'card_status_I' : 'card_status_R',
        reason: REASONS[outcome],
        isFinal: outcome === 'unusable',
      },
    }),
  };
}

/** Records that a registration has failed for good, beside the product: unless a subscriber is known. */
export async function recordFailure(
  { seal, clock }: ConnectorParts,
  connection: pg.PoolClient,
  { tenantId, productId }: ClaimedTask,
  { code }: CallFailure,
): Promise<void> {
  if (productId === null) return;
  const result = { registration: 'failed', code, subscriberReferenceId: null } as const;
  await saveRegistration(connection, seal, { tenantId, productId }, result, clock());
}

function toRegistered({ taskId, userId, connector, productId, createdAt }: ClaimedTask, answer: CardAnswer): object {
  return markOwn({
    event_id: `${CARD_REGISTERED} ${taskId}`,
    user_id: userId,
    event_type: CARD_REGISTERED,
    event_timestamp: isoTime(createdAt),
    properties: { connector, task_id: taskId, product_uuid: productId, code: answer.code, cards: answer.cards },
  });
}
