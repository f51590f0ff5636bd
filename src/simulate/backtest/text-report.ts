import { formatCount } from '../../lib/text/format-count.ts';
import type { BacktestReport, Counts, Example, ReportedDecision, ReproductionDifference } from './backtest.ts';
import { COUNT_COLUMNS, formatNumber } from './report-numbers.ts';

/**
 * Renders a backtest report as text for a terminal.
 * @param shown what stands for a line in it
 */
export function renderTextReport(report: BacktestReport, shown: (line: string) => string = (line) => line): string {
  const { since, until, users, events, types, totals, left_out: leftOut, reproduced } = report;
  const lines = [
    `${report.mode === 'live' ? 'Reproduction of past decisions' : 'Backtest of the catalog'}, from ${since} to ${until}`,
    `${formatCount(events, 'event')} of ${formatCount(users, 'user')}`,
    '',
  ];
  if (leftOut.length > 0) {
    lines.push(
      `Left out, for a merge or for too many or too large events: ${leftOut.slice(0, 10).join(', ')}${leftOut.length > 10 ? ' …' : ''}`,
      '',
    );
  }
  lines.push(...renderTable([...types.map((one) => ({ name: one.type, ...one })), { name: 'all', ...totals }]));
  for (const { type, days } of types) {
    lines.push('', type, `  by day (UTC)${['live', 'new'].map((name) => name.padStart(11)).join('')}`);
    for (const day of days) {
      lines.push(`  ${day.day}  ${padCount(day.live)}${padCount(day.new)}${day.live === day.new ? '' : '  *'}`);
    }
  }
  const examples = types.flatMap((one) => one.examples.map((example) => ({ type: one.type, example })));
  for (const { type, example } of examples) lines.push('', ...renderExample(type, example));
  if (reproduced) lines.push('', ...renderReproduced(reproduced));
  return lines.map(shown).join('\n');
}

/** Renders `[#####     ] 50%  1,000 of 2,000 users  12,345 events/s`. */
export function renderProgress(done: number, all: number, events: number, seconds: number): string {
  const share = all === 0 ? 1 : Math.min(1, done / all);
  const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH);
  const rate = seconds > 0 ? Math.round(events / seconds) : 0;
  return `[${bar}] ${Math.floor(share * 100)}%  ${formatNumber(done)} of ${formatNumber(all)} users  ${formatNumber(rate)} events/s`;
}

const WIDTH = 30;

function renderTable(rows: readonly (Counts & { readonly name: string })[]): string[] {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return [
    `${' '.repeat(width)}  ${COUNT_COLUMNS.map((column) => column.padStart(11)).join('')}`,
    ...rows.map(
      (row) =>
        `${row.name.padEnd(width)}  ${COUNT_COLUMNS.map((column) => formatNumber(row[column]).padStart(11)).join('')}`,
    ),
  ];
}

function renderExample(type: string, { change, user_id, live, new: other }: Example): string[] {
  return [`${type} ${change}: ${user_id}`, ...renderSide('live', live), ...renderSide('new', other)];
}

function renderSide(side: string, decision: ReportedDecision | undefined): string[] {
  if (!decision) return [`  ${side.padEnd(4)}  nothing was decided`];
  const { at, rule, outcome, reason_code, reason, event_ids, evidence } = decision;
  return [
    `  ${side.padEnd(4)}  ${at}  ${rule}: ${outcome} (${reason_code})  ${reason}`,
    `        events ${event_ids.join(', ')}`,
    `        ${JSON.stringify(evidence)}`,
  ];
}

function renderReproduced(reproduced: NonNullable<BacktestReport['reproduced']>): string[] {
  const { decisions, different, examples } = reproduced;
  if (different === 0) return [`All ${formatNumber(decisions)} decisions came out the same.`];
  return [
    `${formatNumber(different)} of ${formatNumber(decisions)} decisions came out differently.`,
    ...examples.flatMap(({ user_id, source, live, new: other }: ReproductionDifference) => [
      `  ${user_id}  ${source}`,
      `    live ${JSON.stringify(live)}`,
      `    new  ${JSON.stringify(other)}`,
    ]),
  ];
}

function padCount(count: number): string {
  return formatNumber(count).padStart(11);
}
