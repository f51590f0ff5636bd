/** The part of a statement that says whether an address is suppressed: the claim and what foretells it ask the same. */

/** Columns and parameters of the statement around it. */
interface SuppressionColumns {
  readonly tenant: string;
  readonly channel: string;
  readonly hash: string;
  readonly category: string;
  readonly type: string;
  readonly now: string;
}

/** Returns a query of the suppression that stops a message, if there is one: suppression_id, scope, reason, since. */
export function suppressionOf({ tenant, channel, hash, category, type, now }: SuppressionColumns): string {
  return `
  select suppression_id, scope, reason, since from suppressions
  where tenant_id = ${tenant} and channel = ${channel} and address_hash = ${hash} and (until is null or until > ${now})
    and (scope = 'all' or scope = 'category:' || ${category} or scope = 'type:' || ${type})
  order by scope limit 1`;
}

/** Returns an expression for why a message is not sent. @param s the suppression, as `suppressionOf` finds it */
export function suppressedReason(s: string): string {
  return `'The address is suppressed since ' || to_char(${s}.since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
                    || ' UTC for ' || ${s}.scope || ': ' || ${s}.reason || '. Lift suppression ' || ${s}.suppression_id || ' to send to it again.'`;
}
