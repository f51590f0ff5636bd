/** Codes of verdicts, in the order of docs/preferences.md. */
export const PLAN_CODES = [
  'consent_missing',
  'consent_withdrawn',
  'required',
  'tenant_off',
  'tenant_on',
  'not_for_user',
  'preference_off',
  'preference_on',
  'default_on',
  'not_subscribed',
  'duplicate_content',
  'paused',
  'legal_hours',
  'quiet_hours',
  'quiet_hours_dropped',
  'rate_limited',
  'folded',
  'would_expire',
] as const;
export type PlanCode = (typeof PLAN_CODES)[number];

/** Codes of verdicts that drop a message. A delivery that is dropped at its claim has one as its reason code. */
export const DROP_CODES = [
  'consent_missing',
  'consent_withdrawn',
  'tenant_off',
  'not_for_user',
  'preference_off',
  'not_subscribed',
  'quiet_hours_dropped',
  'would_expire',
] as const satisfies readonly PlanCode[];

/** Codes of verdicts that hold a message: when the terms of its user change, it is decided again. */
export const HOLD_CODES = ['paused', 'legal_hours', 'quiet_hours'] as const satisfies readonly PlanCode[];
