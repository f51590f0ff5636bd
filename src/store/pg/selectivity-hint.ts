/**
 * Returns a planner hint: a predicate that is always true and is estimated to be selective. It keeps the join order from
 * the parameter rows to the table by its key, even if the plan was cached while the table was small.
 *
 * @param column an integer column, not null, of the rows that are joined to the table
 */
export function selectivityHint(column: string): string {
  return `${column} = ${column} + 0`;
}
