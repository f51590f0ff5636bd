/*
 * The byte bound of look-ups of facts. A look-up is bounded in rows for each user and type, and one statement in bytes for
 * its whole batch: a request may ask for a thousand users with a thousand events each.
 */

/**
 * Bound of what one statement returns, in bytes of JSON and sealed documents. Beyond it rows come without content: of each
 * look-up the latest (or the earliest) events are kept, so that a user with few loses none to a user with many.
 */
export const MAX_FACT_BYTES = 32 * 1024 * 1024;

/** Name of the bound in evidence. */
export const FACT_BYTES_BOUND = '32 MiB';

/** Facts of a user that a bound left out. */
export interface LeftOutRow {
  readonly userId: string;
  /** Event type; empty: of any type. */
  readonly type: string;
  /** Number of facts that were loaded. */
  readonly examined: number;
  readonly bound: string;
}

/** Bytes of a context beyond which only the members that `toReadableContext` keeps are read. */
const MAX_CONTEXT_BYTES = 32 * 1024;

/** The context of an event as look-ups and replays read it. */
export const CONTEXT_COLUMN = `
  case when octet_length(context::text) <= ${MAX_CONTEXT_BYTES} then context
       when context is not null then json_strip_nulls(json_build_object(
         'correlation_id', context -> 'correlation_id', 'causation_id', context -> 'causation_id',
         'source', context -> 'source', 'emitted_by', context -> 'emitted_by'))
  end`;

/** Bytes of the content of an event as look-ups read it. In this order: a large content is not read to be measured. */
export const CONTENT_BYTES = `coalesce(
    octet_length(excerpt::text),
    octet_length(properties::text) + octet_length(traits::text) + coalesce(octet_length(sealed), 0)
  ) + coalesce(least(octet_length(context::text), ${MAX_CONTEXT_BYTES}), 0)`;

/** Columns of the content of an event as look-ups read it: of a large one the excerpt. */
export const CONTENT_COLUMNS = `
  case when excerpt is null then properties end as properties, case when excerpt is null then traits end as traits,
  case when excerpt is null then sealed end as sealed, excerpt, ${CONTEXT_COLUMN} as context`;

/**
 * Whether a row is within the bound.
 * @param found name of the subquery that has `bytes` of each row, its number `n` within its look-up, and that of its look-up, `i`
 */
export const FITS = `coalesce(
    sum(bytes) over (order by n, i rows between unbounded preceding and 1 preceding), 0
  ) < ${MAX_FACT_BYTES}`;

/** Counts the rows of look-ups, and says what was left out. */
export class FoundRows {
  readonly #found = new Map<number, { kept: number; cut: number }>();

  /** @param index of the look-up @param fits whether the row came with its content */
  count(index: number, fits: boolean): void {
    const found = this.#found.get(index) ?? { kept: 0, cut: 0 };
    this.#found.set(index, fits ? { ...found, kept: found.kept + 1 } : { ...found, cut: found.cut + 1 });
  }

  /**
   * Returns what was left out, by look-up.
   * @param maxRows bound of the rows of one look-up
   */
  listLeftOut(lookups: readonly { readonly userId: string; readonly type: string }[], maxRows: number): LeftOutRow[] {
    const rows: LeftOutRow[] = [];
    for (const [index, { kept, cut }] of this.#found) {
      const lookup = lookups[index];
      if (!lookup || (cut === 0 && kept < maxRows)) continue;
      const bound = cut > 0 ? FACT_BYTES_BOUND : `${maxRows.toLocaleString('en')} events`;
      rows.push({ userId: lookup.userId, type: lookup.type, examined: kept, bound });
    }
    return rows;
  }
}
