import type { CatalogCache } from '../../catalog/cache.ts';
import { readPhoneNumber } from '../../channels/sms/phone-number.ts';
import type { PushService } from '../../model/device.ts';
import type { ClaimedDelivery } from '../../store/deliveries/claimed-delivery.ts';
import { getEmailDomain } from '../server-domain.ts';
import type { TargetFinder } from '../target-finder.ts';

/** Facts about a message before it is rendered; each is asked for only where accounts or conditions differ in it. */
export interface MessageFacts {
  /** Returns the push service of the target; undefined: it is not known, or there is no such service. */
  readonly findService?: () => Promise<PushService | undefined>;
  /** Whether a template of the provider is used. */
  readonly needsHosted: () => Promise<boolean>;
  /** Returns calling code and domain of the address; a part that does not apply is absent. */
  readonly describeAddress: () => { readonly calling_code?: string; readonly domain?: string };
}

/** Returns the facts about the message of a delivery. */
export function toMessageFacts(delivery: ClaimedDelivery, targets: TargetFinder, catalogs: CatalogCache): MessageFacts {
  const findService = targets.getServiceLookup(delivery);
  return {
    ...(findService && { findService }),
    needsHosted: async () => (await catalogs.loadTemplate({ ...delivery, locale: '' }))?.hosted !== undefined,
    describeAddress: () => describeAddress(delivery, targets),
  };
}

function describeAddress(delivery: ClaimedDelivery, targets: TargetFinder): { calling_code?: string; domain?: string } {
  const found = targets.openAddress(delivery);
  if (!found || 'outcome' in found) return {};
  const { target } = found;
  const code = target.kind === 'phone' ? readPhoneNumber(target.number)?.callingCode : undefined;
  const domain = target.kind === 'email' ? getEmailDomain(target.address) : undefined;
  return { ...(code === undefined ? {} : { calling_code: code }), ...(domain === undefined ? {} : { domain }) };
}
