import type { DeadLetterGroup } from '../model/dead-letter.ts';
import type { DeadAddressKind, Fault } from '../model/delivery.ts';
import { MAIL_FROM_CODE, type ProviderCode } from './codes.ts';
import type { ProviderDefinition } from './provider.ts';

/** Advice about failures, for operators, in plain words. A code may have advice of its own: `ProviderCode.advice`. */

const DEAD_ADDRESS: { readonly [as in DeadAddressKind]: string } = {
  invalid:
    'Ask the user for a correct address, and send it with their next event. The address gets no further messages until then.',
  unregistered:
    'There is nothing to do: the device or mailbox is gone. The app registers the device again when it is next opened.',
  opted_out:
    'Do not retry: the owner wants no messages. Only the owner can take that back (by SMS with START); then lift the suppression.',
  weak: 'Ask the user for another address: this one failed too often. Lift the suppression if you know that it works again.',
};

/** Owner of the account that failed: a tenant has saved its own, and that of the installation is set in the environment. */
export type AccountOwner = 'tenant' | 'installation';

const ACCOUNT_ADVICE: { readonly [owner in AccountOwner]: string } = {
  tenant: 'Correct the account, check it with `tidings providers check`, then retry.',
  installation:
    'The provider is one of the installation: correct its settings in the environment of Tidings, restart Tidings, then retry.',
};

/** Returns what to do about a failure with this code. */
export function getCodeAdvice(
  { advice, installationAdvice, kind, of = 'provider', as = 'invalid' }: Omit<ProviderCode, 'code' | 'meaning'>,
  owner: AccountOwner,
): string {
  const own = owner === 'installation' ? (installationAdvice ?? advice) : advice;
  if (own !== undefined) return own;
  switch (kind) {
    case 'address_dead':
      return DEAD_ADDRESS[as];
    case 'rejected':
      return 'Correct the template or the data of the message, then retry. Unchanged, it would be rejected again.';
    case 'misconfigured':
      return ACCOUNT_ADVICE[owner];
    case 'in_doubt':
      return 'Look at the status page and the log of the provider, to see whether the message was sent.';
    case 'retry':
      return RETRY_ADVICE[of];
  }
}

const RETRY_ADVICE: { readonly [scope in NonNullable<ProviderCode['of']>]: string } = {
  recipient:
    'Retry later: this recipient could not be reached for the whole retry time. If it lasts, ask for another address.',
  domain: "Retry later: the servers of the recipient's domain could not be reached for the whole retry time.",
  message: 'Retry. If it fails again, look at the size and the content of the message.',
  account: 'Ask the provider for a higher limit, or send slower (`--per-second` of the retry).',
  provider: 'Look at the status page of the provider; retry once it works again.',
};

/** Advice for reasons of our own, with which a provider has nothing to do. */
const REASON_ADVICE: { readonly [reasonCode: string]: string } = {
  missing_email:
    'Send an event with `user_traits.email`: deliveries within their retry time are then queued by themselves. Retry older ones afterwards.',
  missing_phone:
    'Send an event with `user_traits.phone`: deliveries within their retry time are then queued by themselves. Retry older ones afterwards.',
  missing_device:
    'The user has no device. Let the app register it (`POST /api/v1/users/{user_id}/devices`), then retry.',
  missing_endpoint:
    'No endpoint takes this type of notification. Create one with `tidings webhooks create`, then retry.',
  target_gone: 'The device or endpoint was removed after the message was queued. Cancel the group.',
  notification_gone:
    'The notification is older than its retention, so there is nothing left to send. Cancel the group.',
  expired:
    'The message was no longer of use when its turn came. Look at `tidings queue` and at the circuits; give the type a longer `expires_after` if it is too short.',
};

/** Codes of ours, which no provider gives: nothing is wrong with the account that the group names, if it names one. */
const OWN_CODES: { readonly [code: string]: { readonly meaning: string; readonly advice?: string } } = {
  no_account: {
    meaning: 'The route of the channel has no account for the message',
    advice:
      'Look at the route (`tidings routes`): give it an account that the tenant has, or save the account that it names (`tidings accounts create`); then retry.',
  },
  account_gone: {
    meaning: 'The message may have been sent by an account that is gone, and goes by no other',
    advice: 'Save the account again under its name, then retry: by another account the message may arrive twice.',
  },
  no_apns_account: toServiceCode('apns', 'APNs'),
  no_fcm_account: toServiceCode('fcm', 'FCM'),
  no_web_push_account: toServiceCode('web_push', 'Web Push'),
  no_attachments: {
    meaning: 'The account takes no attachments',
    advice:
      'Route types with attachments to an account that takes them (`routes.yaml`), or give one with the provider `http` the setting `attachment`; then retry.',
  },
  provider_template: {
    meaning: 'The provider keeps no templates',
    advice:
      'Route the type to an account whose provider keeps its `provider_template` (`routes.yaml`), or write a template in the catalog; then retry.',
  },
  sending_paused: {
    meaning: 'Emails of the type or tenant are paused, because they bounce or are complained about too often',
    advice: 'Clean the list of addresses, then `tidings sending resume`, then retry.',
  },
  // The advice is that of the fault, which is of the account or of its provider.
  account_paused: { meaning: 'Nothing could be sent by the account until the retry time was over' },
  [MAIL_FROM_CODE]: {
    meaning: 'The provider does not accept the sender that the setting mail_from of the tenant names',
    advice:
      'Correct `mail_from` in the settings of the tenant (`tidings settings update`), or verify its domain at the provider; then retry.',
  },
  postal_address_missing: {
    meaning: 'A marketing email shows the postal address of its sender, and no address is known',
    advice: 'Set `postal_address` in the settings of the tenant (`tidings settings update`), then retry.',
  },
  public_url_missing: {
    meaning: 'A marketing email shows a link to unsubscribe, and the installation has no URL for it',
    advice: 'Set `TIDINGS_PUBLIC_URL` in the environment of Tidings, restart Tidings, then retry.',
  },
  accounts_unopened: {
    meaning: 'The accounts of the tenant cannot be opened',
    advice: 'Look at the log of Tidings: most likely the encryption key is another one. Retry once it is corrected.',
  },
};

function toServiceCode(provider: string, service: string) {
  return {
    meaning: `No account takes the tokens of ${service}`,
    advice: `Save an account for it (\`tidings accounts create\` with the provider \`${provider}\`, see docs/providers/${provider}.md), then retry. The templates and the other accounts are not to blame.`,
  };
}

const FAULT_ADVICE: { readonly [fault in Exclude<Fault, 'account'>]: string } = {
  us: 'Look at the log of Tidings for the error, and report it. Retry once it is corrected.',
  provider: 'Look at the status page of the provider and at the network of this machine; retry once it works again.',
  message: 'Correct the template or the data of the message, then retry. Unchanged, it would fail again.',
  recipient: 'Retry later. If it lasts, ask the user for another address.',
};

const REPEATS_ADVICE: { readonly [repeats in ProviderDefinition['repeats']]: string } = {
  recognized: 'The message may have been sent. The provider recognizes a repetition, so a retry is safe.',
  replaced: 'The message may have been sent. A retry replaces it where it arrived.',
  doubled:
    'The message may have been sent: a retry may send it twice. Retry only what may arrive twice, and cancel the others.',
};

const CRASHED = 'A process of Tidings ended while it was sending, or a dump was restored.';

/** Explains a group of dead letters. `meaning`: of the code of the provider; null: it is neither in the table of the provider nor one of ours. */
export function explainGroup(
  { fault, provider, account, reasonCode, code }: DeadLetterGroup,
  definition: Pick<ProviderDefinition, 'codes' | 'repeats' | 'recipientAdvice' | 'environment'> | undefined,
): { readonly meaning: string | null; readonly advice: string } {
  const entry = code === null ? undefined : definition?.codes.find((one) => one.code === code);
  const ours = entry || code === null || !Object.hasOwn(OWN_CODES, code) ? undefined : OWN_CODES[code];
  const meaning = entry?.meaning ?? ours?.meaning ?? null;
  const owner = provider !== null && account === null ? 'installation' : 'tenant';
  const blamed = fault === 'account' && owner === 'installation' ? blameInstallation(definition) : fault;
  const own = REASON_ADVICE[reasonCode];
  if (own !== undefined) return { meaning, advice: own };
  const other = ours?.advice ?? (blamed === 'recipient' ? definition?.recipientAdvice : undefined);
  const ofFault = blamed === 'account' ? ACCOUNT_ADVICE[owner] : FAULT_ADVICE[blamed];
  const advice = entry ? getCodeAdvice(entry, owner) : (other ?? ofFault);
  if (reasonCode !== 'in_doubt') return { meaning, advice };
  const doubt = REPEATS_ADVICE[definition?.repeats ?? 'doubled'];
  return { meaning, advice: fault === 'us' ? `${CRASHED} ${doubt}` : `${doubt} ${advice}` };
}

/** Returns whose fault it is where an account of the installation would be: one that has no account fails by its endpoint, or by us. */
function blameInstallation(definition: Pick<ProviderDefinition, 'environment' | 'recipientAdvice'> | undefined): Fault {
  if (definition?.environment) return 'account';
  return definition?.recipientAdvice === undefined ? 'us' : 'recipient';
}

/** Returns the sentences of `explainGroup` that no table of a provider has: its advice may be several of them. */
export function listOwnWords(): readonly string[] {
  const tables = [DEAD_ADDRESS, RETRY_ADVICE, REASON_ADVICE, FAULT_ADVICE, ACCOUNT_ADVICE, REPEATS_ADVICE];
  const ofCodes = Object.values(OWN_CODES).flatMap(({ meaning, advice = meaning }) => [meaning, advice]);
  return [...new Set([...tables.flatMap((table) => Object.values(table)), ...ofCodes, CRASHED])];
}
