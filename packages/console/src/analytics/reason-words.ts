import { t } from '../text/text.ts';

/** Codes of decisions and deliveries in words. */
const WORDS: { readonly [code: string]: string } = {
  // Decisions.
  condition_false: t('Condition false'),
  field_missing: t('Field missing'),
  condition_error: t('Condition error'),
  pattern_incomplete: t('Pattern incomplete'),
  limit_reached: t('Limit reached'),
  all_channels_dropped: t('All channels dropped'),
  expired: t('Expired'),
  key_missing: t('Key missing'),
  count_not_met: t('Count not met'),
  already_waiting: t('Already waiting'),
  unless_event_occurred: t('Unless event occurred'),
  cancelled_by_event: t('Cancelled by event'),
  cancelled_by_rule: t('Cancelled by rule'),
  superseded: t('Superseded'),
  too_late: t('Too late'),
  time_missing: t('Time missing'),
  time_past: t('Time past'),
  catalog_changed: t('Catalog changed'),
  cancelled_by_operator: t('Cancelled by operator'),
  cancelled_by_request: t('Cancelled by request'),
  no_branch: t('No branch'),
  holdout: t('Holdout'),
  variable_missing: t('Variable missing'),
  variable_invalid: t('Variable invalid'),
  action_failed: t('Action failed'),
  loop: t('Loop'),
  too_costly: t('Too costly'),
  too_much_history: t('Too much history'),
  // Deliveries.
  cancelled: t('Cancelled'),
  missing_email: t('Missing email'),
  missing_phone: t('Missing phone'),
  missing_device: t('Missing device'),
  missing_endpoint: t('Missing endpoint'),
  target_gone: t('Target gone'),
  rejected: t('Rejected'),
  address_dead: t('Dead address'),
  notification_gone: t('Notification gone'),
  reached: t('Reached'),
  suppressed: t('Suppressed'),
  consent_missing: t('Consent missing'),
  consent_withdrawn: t('Consent withdrawn'),
  tenant_off: t('Tenant off'),
  not_for_user: t('Not for user'),
  preference_off: t('Preference off'),
  not_subscribed: t('Not subscribed'),
  quiet_hours_dropped: t('Quiet hours dropped'),
  duplicate_content: t('Duplicate content'),
  would_expire: t('Would expire'),
  retries_exhausted: t('Retries exhausted'),
  in_doubt: t('In doubt'),
};

/** Returns a reason code in words: "Limit reached". A code of a newer API gives its own words. */
export function formatReason(code: string): string {
  const words = code.replaceAll('_', ' ');
  return WORDS[code] ?? words.charAt(0).toUpperCase() + words.slice(1);
}
