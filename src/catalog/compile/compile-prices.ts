import type { CatalogData } from '../../model/catalog.ts';
import type { Channel, Cost } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { Price } from '../../model/route.ts';

/** Digits of the longest calling code in prices. */
const MAX_CODE_DIGITS = 7;
/** Costs are kept with six decimals. */
const DECIMALS = 1e6;

/** A message that was accepted. */
export interface Billed {
  readonly provider: string;
  readonly channel: Channel;
  /** Number in E.164 form; absent: it went to another kind of address. */
  readonly number?: string;
  readonly parts: number;
  readonly at: Millis;
}

export interface Prices {
  /** Returns what a message cost by the price that was valid then; undefined: no price is for it. */
  find(billed: Billed): Cost | undefined;
}

/** Compiles the prices of a catalog; undefined: it has no prices. */
export function compilePrices({ prices = [] }: CatalogData): Prices | undefined {
  if (prices.length === 0) return undefined;
  const byKey = new Map<string, Price[]>();
  for (const price of prices) {
    const key = toKey(price.provider, price.channel, price.callingCode ?? '');
    const known = byKey.get(key);
    if (known) known.push(price);
    else byKey.set(key, [price]);
  }
  // The latest first.
  for (const list of byKey.values()) list.sort((a, b) => (a.from < b.from ? 1 : -1));
  return {
    find({ provider, channel, number = '+', parts, at }) {
      const day = new Date(at).toISOString().slice(0, 10);
      const digits = number.slice(1, 1 + MAX_CODE_DIGITS);
      for (let length = digits.length; length >= 0; length--) {
        const valid = byKey.get(toKey(provider, channel, digits.slice(0, length)))?.find(({ from }) => from <= day);
        if (valid) return { amount: Math.round(valid.amount * parts * DECIMALS) / DECIMALS, currency: valid.currency };
      }
      return undefined;
    },
  };
}

function toKey(provider: string, channel: Channel, code: string): string {
  return `${provider} ${channel} ${code}`;
}
