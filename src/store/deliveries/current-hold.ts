import { DELIVERY_HOLD_CODES, HOLD_ENDS } from '../../model/hold-codes.ts';

/** Codes of holds that someone has to end, as a list of SQL. */
const ENDED_HOLDS = DELIVERY_HOLD_CODES.filter((code) => HOLD_ENDS[code] === 'ended')
  .map((code) => `'${code}'`)
  .join(', ');

/**
 * Returns, as an expression of SQL over a row of deliveries, the code of what holds it at a time; null: nothing does, or the hold is
 * over, as `isHoldOver` has it.
 * @param now a parameter that has the time
 */
export function currentHoldAt(now: string): string {
  return `case when due_at > ${now}::timestamptz or hold_code in (${ENDED_HOLDS}) then hold_code end`;
}
