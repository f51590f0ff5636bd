import type { ReasonCode } from '../../../../src/model/decision.ts';
import type { DeliveryReasonCode } from '../../../../src/model/delivery.ts';
import type { DeliveryHoldCode, RESTORE_PAUSED } from '../../../../src/model/hold-codes.ts';
import type { PlanCode } from '../../../../src/model/plan-codes.ts';
import { t } from '../text/text.ts';

/** Codes of recipients of a request or a batch who get nothing, beside those of decisions and deliveries. */
type RecipientCode =
  | 'invalid_recipient'
  | 'ambiguous_address'
  | 'idempotency_key_reused'
  | 'unknown_type'
  | 'not_sent_when_due';

/** All reasons of Tidings itself by their codes, as a part of a sentence. Those of providers are in the advice on dead letters. */
export const REASON_WORDS: Readonly<
  Record<ReasonCode | PlanCode | DeliveryReasonCode | DeliveryHoldCode | typeof RESTORE_PAUSED | RecipientCode, string>
> = {
  // Decisions.
  matched: t('the rule applies'),
  condition_false: t('the condition is not met'),
  field_missing: t('a field of the condition is missing'),
  condition_error: t('the condition cannot be evaluated'),
  pattern_incomplete: t('the pattern is incomplete'),
  limit_reached: t('limit reached'),
  all_channels_dropped: t('all channels dropped'),
  expired: t('expired'),
  waiting: t('the rule waits'),
  collected: t('collected for a digest'),
  already_waiting: t('the rule waits already'),
  key_missing: t('the key of the rule is missing'),
  count_not_met: t('the number of events is not reached'),
  unless_event_occurred: t('an event that prevents it occurred'),
  cancelled_by_event: t('cancelled by an event'),
  cancelled_by_rule: t('cancelled by another rule'),
  superseded: t('replaced by a later event'),
  too_late: t('the event came too late'),
  time_missing: t('the time of the rule is missing'),
  time_past: t('the time of the rule has passed'),
  catalog_changed: t('the rule was changed'),
  cancelled_by_operator: t('cancelled by an operator'),
  cancelled_by_request: t('cancelled by a request'),
  no_branch: t('no branch applies'),
  holdout: t('the user is in a holdout group'),
  acted: t('the rule executed its actions'),
  action_failed: t('an action failed'),
  variable_missing: t('a variable is missing'),
  variable_invalid: t('a variable is not valid'),
  loop: t('rules trigger each other without end'),
  too_costly: t('the decision takes too much time'),
  too_much_history: t('the history of the user is too large'),
  // The plan.
  consent_missing: t('no consent'),
  consent_withdrawn: t('consent was withdrawn'),
  required: t('required'),
  tenant_off: t('locked off by the policy'),
  tenant_on: t('locked on by the policy'),
  not_for_user: t('for users with other products'),
  preference_off: t('turned off by the user'),
  preference_on: t('turned on by the user'),
  default_on: t('on by default'),
  not_subscribed: t('off by default'),
  duplicate_content: t('the same was sent before'),
  paused: t('messages to the user are paused'),
  legal_hours: t('legal hours'),
  quiet_hours: t('quiet hours'),
  quiet_hours_dropped: t('quiet hours, and it may not wait'),
  rate_limited: t('too many messages in a short time'),
  folded: t('for a digest'),
  would_expire: t('it would expire before'),
  // Deliveries.
  retrying: t('it is retried'),
  retried: t('retried by an operator'),
  address_known: t('the address became known'),
  address_added: t('the address became known'),
  cancelled: t('cancelled'),
  missing_email: t('no email address is known'),
  missing_phone: t('no phone number is known'),
  missing_device: t('no device is registered'),
  missing_endpoint: t('no webhook endpoint takes it'),
  target_gone: t('the device or endpoint was removed'),
  notification_gone: t('the notification is no longer stored'),
  address_dead: t('the address takes no messages'),
  rejected: t('the message was rejected'),
  retries_exhausted: t('no attempt succeeded in time'),
  in_doubt: t('it may have been sent'),
  fallback: t('its turn is after another channel'),
  reached: t('another channel reached the user'),
  suppressed: t('the address is suppressed'),
  // Deliveries that wait.
  batch_paused: t('the batch is paused'),
  restore_paused: t('the installation is paused since its restore'),
  sending_paused: t('emails are paused, because they bounce or are complained about too often'),
  account_paused: t('the account with the provider is paused'),
  domain_paused: t('the servers of the recipient do not respond'),
  endpoint_disabled: t('the endpoint is disabled; it is kept, to be replayed'),
  endpoint_order: t('an earlier message to the endpoint comes first'),
  endpoint_rate: t('the endpoint has its limit of messages for now'),
  endpoint_busy: t('the endpoint is busy with other messages'),
  // Recipients.
  invalid_recipient: t('the recipient is not valid'),
  ambiguous_address: t('several users have the address'),
  idempotency_key_reused: t('the idempotency key was used before'),
  unknown_type: t('the catalog does not have the type'),
  not_sent_when_due: t('not sent when it was due'),
};

/** Returns the reason of a code as a part of a sentence: "limit reached"; undefined: it is that of a provider, or of a newer API. */
export function findReasonWords(code: string): string | undefined {
  const words: { readonly [code: string]: string } = REASON_WORDS;
  return words[code];
}

/** Returns the same; a code without words gives its own. */
export const toReasonWords = (code: string): string => findReasonWords(code) ?? code.replaceAll('_', ' ');

/** Returns the reason of a code as it stands on its own: "Limit reached". */
export function formatReason(code: string): string {
  const words = toReasonWords(code);
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}
