import type { CostRow, CostSummary } from '@tidings/client/types';
import { CHANNELS } from '../shell/outcome.ts';
import { getLocale, t } from '../text/text.ts';

export type Group = 'channel' | 'provider' | 'account' | 'type';

/** Costs of a channel, provider, account or type. */
interface GroupSum {
  /** Null: the account of the installation. */
  readonly name: string | null;
  readonly amount: number;
  readonly messages: number;
  readonly parts: number;
}

/** Costs in one currency. */
export interface CurrencySums {
  readonly currency: string;
  readonly total: number;
  /** Every day of the summary, the first one first. */
  readonly days: readonly { readonly day: string; readonly amount: number }[];
  /** The dearest first. */
  readonly groups: readonly GroupSum[];
}

const DAY_MS = 86_400_000;

/** Sums up a summary by day and by group, the currency with the most messages first: amounts of two currencies are never added. */
export function sumByCurrency({ from, to, costs }: CostSummary, group: Group): CurrencySums[] {
  const currencies = [...new Set(costs.map(({ currency }) => currency))];
  const sums = currencies.map((currency) => {
    const rows = costs.filter((row) => row.currency === currency);
    const byDay = new Map<string, number>();
    for (const { day = '', amount } of rows) byDay.set(day, (byDay.get(day) ?? 0) + amount);
    return {
      currency,
      total: rows.reduce((sum, { amount }) => sum + amount, 0),
      days: listDays(from, to).map((day) => ({ day, amount: byDay.get(day) ?? 0 })),
      groups: sumGroups(rows, group),
    };
  });
  const count = ({ groups }: CurrencySums) => groups.reduce((sum, { messages }) => sum + messages, 0);
  return sums.sort((a, b) => count(b) - count(a));
}

function sumGroups(rows: readonly CostRow[], group: Group): GroupSum[] {
  const sums = new Map<string | null, GroupSum>();
  for (const row of rows) {
    const name = row[group] ?? null;
    const { amount, messages, parts } = sums.get(name) ?? { amount: 0, messages: 0, parts: 0 };
    sums.set(name, {
      name,
      amount: amount + row.amount,
      messages: messages + row.messages,
      parts: parts + row.parts,
    });
  }
  return [...sums.values()].sort((a, b) => b.amount - a.amount);
}

function listDays(from: string, to: string): string[] {
  const days: string[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += DAY_MS)
    days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}

/** Returns the name of a group as it is shown. */
export function toGroupLabel(group: Group, name: string | null): string {
  if (name === null) return group === 'account' ? t('the account of the installation') : t('unknown');
  return group === 'channel' ? (CHANNELS[name as keyof typeof CHANNELS]?.label ?? name) : name;
}

/** Formats an amount with its currency. Small prices keep four decimals. */
export function formatMoney(amount: number, currency: string): string {
  const maximumFractionDigits = Math.abs(amount) < 1 ? 4 : 2;
  return `${amount.toLocaleString(getLocale(), { minimumFractionDigits: 2, maximumFractionDigits })} ${currency}`;
}
