import { z } from 'zod';
import type { JsonObject } from '../../model/event.ts';
import { CallFailure } from '../call-failure.ts';

/** Answer of a card network about the cards of one product. */
export interface CardAnswer {
  readonly outcome: 'registered' | 'unusable' | 'retry';
  /** Message code of the network. */
  readonly code: string;
  readonly subscriberReferenceId: string | null;
  /** Cards by status: `S` registered, `I` in a bad state, `R` to be tried again. Which cards they are is not kept. */
  readonly cards: { readonly S: number; readonly I: number; readonly R: number };
}

const STATUSES = ['S', 'I', 'R'] as const;

/** Message codes of success: created and provisioned; created; found, and cards merged. */
const SUCCESS: ReadonlySet<string> = new Set(['REG_120', 'REG_121', 'REG_122']);
const GENERAL_FAILURE = 'REG_101';

const answerSchema = z.object({
  apiVersion: z.literal('v2.0'),
  opId: z.literal('REGISTER_VALID_USER'),
  responseDataList: z
    .array(
      z.object({
        subscriberReferenceId: z.string().max(512).nullish(),
        cardStatusMap: z.record(z.string(), z.enum(STATUSES)).nullish(),
      }),
    )
    .max(100)
    .nullish(),
  responseStatus: z.object({ messageCode: z.string().regex(/^[\w.-]{1,64}$/) }),
});

type Entry = NonNullable<z.infer<typeof answerSchema>['responseDataList']>[number];

/**
 * Reads the answer to REGISTER_VALID_USER.
 * @param token what was asked for; if the answer names it, other cards do not count
 * @throws CallFailure: `answer_invalid`; `REG_101`; or a code that is not known, which is final and never success
 */
export function readCardAnswer(answer: JsonObject, token: string): CardAnswer {
  const checked = answerSchema.safeParse(answer);
  if (!checked.success) {
    throw new CallFailure('answer_invalid', 'The answer of the card network does not have the documented form.');
  }
  const { responseDataList, responseStatus } = checked.data;
  const code = responseStatus.messageCode;
  if (code === GENERAL_FAILURE) throw new CallFailure(code, 'The card network reports a general failure.');
  if (!SUCCESS.has(code)) {
    throw new CallFailure(code, 'The card network answered with a code that is not known to be success.', true);
  }
  const all = responseDataList ?? [];
  const named = all.filter(({ cardStatusMap }) => cardStatusMap && Object.hasOwn(cardStatusMap, token));
  const entries = named.length > 0 ? named : all;
  const cards = { S: 0, I: 0, R: 0 };
  for (const { cardStatusMap } of entries) {
    for (const [card, status] of Object.entries(cardStatusMap ?? {})) {
      if (named.length === 0 || card === token) cards[status]++;
    }
  }
  // That of a card which is registered, before that of one which is not.
  const hasRegistered = (entry: Entry) => Object.values(entry.cardStatusMap ?? {}).includes('S');
  const withId = entries.filter(({ subscriberReferenceId }) => subscriberReferenceId);
  const found = (withId.find(hasRegistered) ?? withId[0])?.subscriberReferenceId ?? null;
  if (cards.R > 0) return { outcome: 'retry', code, subscriberReferenceId: cards.S > 0 ? found : null, cards };
  if (cards.S === 0 && cards.I > 0) return { outcome: 'unusable', code, subscriberReferenceId: null, cards };
  if (found === null) {
    throw new CallFailure('answer_invalid', 'The answer of the card network names no subscriber.');
  }
  return { outcome: 'registered', code, subscriberReferenceId: found, cards };
}
