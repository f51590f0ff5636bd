import { HOLD_CODES } from '../../model/plan-codes.ts';

/** Codes of the holds of the plan, as a list of SQL. */
export const PLAN_HOLDS = HOLD_CODES.map((code) => `'${code}'`).join(', ');

/** A delivery that the plan holds. Implies the condition of the index deliveries_held_by_plan. */
export const HELD_BY_PLAN = `hold_code in (${PLAN_HOLDS})`;
