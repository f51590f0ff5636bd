/** Terms of users that cases state. */

import { z } from 'zod';
import type { ReceivedEvent } from '../../events/envelope.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel } from '../../model/delivery.ts';
import { CONSENT_RECORDED, CONSENT_STATES, PREFERENCE_UPDATED } from '../../model/terms.ts';
import { maskAddressTrait } from '../../privacy/mask.ts';
import { toNormalAddress } from '../../privacy/normal-address.ts';
import { pauseChange, preferenceChange } from '../../users/preference-change.ts';
import { countingIds } from '../counting-ids.ts';

/** Returns a consent whose address a case names, bound to that as one that is recorded; any other event as it is. */
export function bindConsent(event: ReceivedEvent): ReceivedEvent {
  if (event.type !== CONSENT_RECORDED) return event;
  const { address, channel } = event.properties;
  const kind = CHANNEL_DESCRIPTORS[channel as Channel]?.addressKind;
  if (kind === undefined || typeof address !== 'string') return event;
  const hash = countingIds().keyed(toNormalAddress(kind, address));
  const bound = { address: maskAddressTrait(kind, address), address_hash: hash };
  return { ...event, properties: { ...event.properties, ...bound } };
}

/** Returns what is wrong with the preferences or consent that an event states; undefined: nothing. */
export function findTermsMistake({ type, properties }: ReceivedEvent): string | undefined {
  if (type === PREFERENCE_UPDATED) {
    const { replace: _, pause = null, ...change } = properties;
    const [issue] = [
      ...(preferenceChange.safeParse(change).error?.issues ?? []),
      ...(z.object({ pause: pauseChange.nullable() }).safeParse({ pause }).error?.issues ?? []),
    ];
    return issue && `${[type, ...issue.path.map(String)].join('.')}: ${issue.message}`;
  }
  if (type !== CONSENT_RECORDED) return undefined;
  const { purpose, channel, state } = properties;
  const isWhole =
    [purpose, channel].every((part) => typeof part === 'string') && CONSENT_STATES.some((one) => one === state);
  return isWhole ? undefined : `${type} needs a purpose, a channel and a state: ${CONSENT_STATES.join(', ')}`;
}
