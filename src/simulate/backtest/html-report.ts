import { escapeHtml } from '../../lib/text/escape-html.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import { DAY_MS } from '../../time/iso-time.ts';
import type {
  BacktestReport,
  Counts,
  Example,
  ReportedDecision,
  ReproductionDifference,
  TypeReport,
} from './backtest.ts';
import { COUNT_COLUMNS, formatNumber } from './report-numbers.ts';

/** A backtest as one HTML page that needs nothing else: no script, no font, no picture from elsewhere. */
export function renderHtmlReport(report: BacktestReport): string {
  const { since, until, users, events, types, totals, left_out: leftOut, reproduced } = report;
  const title = report.mode === 'live' ? 'Reproduction of past decisions' : 'Backtest of the catalog';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>From <time>${since}</time> to <time>${until}</time>: ${formatCount(events, 'event')} of ${formatCount(users, 'user')}.</p>
${leftOut.length === 0 ? '' : `<p class="note">Left out, for a merge or for too many or too large events: ${leftOut.slice(0, 50).map(escapeHtml).join(', ')}${leftOut.length > 50 ? ' …' : ''}</p>`}
${reproduced ? renderReproduced(reproduced) : ''}
${renderSummary(types, totals)}
${types.map((one) => renderType(one, since, until)).join('\n')}
</main>
</body>
</html>
`;
}

function renderSummary(types: readonly TypeReport[], totals: Counts): string {
  const row = (name: string, counts: Counts, cell: 'td' | 'th') =>
    `<tr><th scope="row">${name}</th>${COUNT_COLUMNS.map((column) => `<${cell} class="${counts[column] > 0 ? column : ''}">${formatNumber(counts[column])}</${cell}>`).join('')}</tr>`;
  return `<table>
<thead><tr><th scope="col">Notification type</th>${COUNT_COLUMNS.map((column) => `<th scope="col">${column}</th>`).join('')}</tr></thead>
<tbody>${types.map((one) => row(`<a href="#${toAnchor(one.type)}">${escapeHtml(one.type)}</a>`, one, 'td')).join('\n')}</tbody>
<tfoot>${row('All', totals, 'td')}</tfoot>
</table>`;
}

function renderType(one: TypeReport, since: string, until: string): string {
  return `<section id="${toAnchor(one.type)}">
<h2>${escapeHtml(one.type)}</h2>
<p>${formatNumber(one.live)} live, ${formatNumber(one.new)} new: ${formatNumber(one.added)} added, ${formatNumber(one.removed)} removed, ${formatNumber(one.moved)} moved, ${formatNumber(one.replanned)} replanned, ${formatNumber(one.unchanged)} unchanged.</p>
${renderChart(one, since, until)}
${one.examples.map(renderExample).join('\n')}
</section>`;
}

const HEIGHT = 120;
const WIDTH = 900;

/** Two bars a day: what was sent, and what would have been. */
function renderChart({ type, days }: TypeReport, since: string, until: string): string {
  const first = Math.floor(Date.parse(since) / DAY_MS);
  const count = Math.max(1, Math.ceil(Date.parse(until) / DAY_MS) - first);
  const most = Math.max(1, ...days.map((day) => Math.max(day.live, day.new)));
  const step = WIDTH / count;
  const bar = (place: number, side: 'live' | 'new', value: number, day: string) => {
    if (value === 0) return '';
    const height = Math.max(1, (value / most) * HEIGHT);
    const x = place * step + (side === 'live' ? 0.1 : 0.5) * step;
    return `<rect class="${side}" x="${formatShort(x)}" y="${formatShort(HEIGHT - height)}" width="${formatShort(step * 0.4)}" height="${formatShort(height)}"><title>${day}: ${formatNumber(value)} ${side}</title></rect>`;
  };
  const bars = days.map((day) => {
    const place = Date.parse(day.day) / DAY_MS - first;
    return bar(place, 'live', day.live, day.day) + bar(place, 'new', day.new, day.day);
  });
  return `<figure>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT + 20}" role="img" aria-label="${escapeHtml(type)} by day, at most ${formatNumber(most)} a day">
<line x1="0" y1="${HEIGHT}" x2="${WIDTH}" y2="${HEIGHT}"/>
${bars.join('')}
<text x="0" y="${HEIGHT + 15}">${since.slice(0, 10)}</text><text x="${WIDTH}" y="${HEIGHT + 15}" text-anchor="end">${until.slice(0, 10)}</text>
</svg>
<figcaption><span class="live">■</span> live <span class="new">■</span> new, by day (UTC); the tallest is ${formatNumber(most)}</figcaption>
</figure>`;
}

function renderExample({ change, user_id, live, new: other }: Example): string {
  return `<details><summary><b class="${change}">${change}</b> ${escapeHtml(user_id)}</summary>
<dl>${renderSide('Live', live)}${renderSide('New', other)}</dl></details>`;
}

function renderSide(name: string, decision: ReportedDecision | undefined): string {
  if (!decision) return `<dt>${name}</dt><dd>Nothing was decided.</dd>`;
  const { at, rule, outcome, reason_code, reason, event_ids, evidence } = decision;
  return `<dt>${name}</dt><dd><time>${at}</time> ${escapeHtml(rule)}: ${outcome} (${reason_code})<br>${escapeHtml(reason)}<br>
Events: ${event_ids.map(escapeHtml).join(', ')}<pre>${escapeHtml(JSON.stringify(evidence, null, 2))}</pre></dd>`;
}

function renderReproduced({ decisions, different, examples }: NonNullable<BacktestReport['reproduced']>): string {
  if (different === 0) return `<p class="good">All ${formatNumber(decisions)} decisions came out the same.</p>`;
  const parts = examples.map(
    ({ user_id, source, live, new: other }: ReproductionDifference) =>
      `<details><summary>${escapeHtml(user_id)} ${escapeHtml(source)}</summary><dl><dt>Live</dt><dd><pre>${escapeHtml(JSON.stringify(live, null, 2))}</pre></dd><dt>New</dt><dd><pre>${escapeHtml(JSON.stringify(other, null, 2))}</pre></dd></dl></details>`,
  );
  return `<p class="note">${formatNumber(different)} of ${formatNumber(decisions)} decisions came out differently.</p>${parts.join('')}`;
}

const STYLE = `
:root { color-scheme: light dark; --text: #1c2330; --paper: #fff; --quiet: #667085; --line: #d8dde6; --live: #8a94a6; --new: #2563eb; --good: #15803d; --bad: #b91c1c; --move: #a16207 }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ef; --paper: #14171d; --quiet: #98a2b3; --line: #333a46; --live: #7b8698; --new: #6ea0ff; --good: #4ade80; --bad: #f87171; --move: #facc15 } }
body { margin: 0; background: var(--paper); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2.5rem; overflow-wrap: anywhere }
a { color: inherit }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--line) }
th:first-child { text-align: left; overflow-wrap: anywhere }
td.added, b.added { color: var(--good) } td.removed, b.removed { color: var(--bad) } td.moved, b.moved, td.replanned, b.replanned { color: var(--move) }
figure { margin: 1rem 0 } svg { width: 100%; height: auto } svg line { stroke: var(--line) } svg text { fill: var(--quiet); font-size: 12px }
rect.live { fill: var(--live) } rect.new { fill: var(--new) } span.live { color: var(--live) } span.new { color: var(--new) }
figcaption, .note { color: var(--quiet) } .good { color: var(--good) }
details { margin: .4rem 0 } dd { margin: 0 0 .8rem 1rem; overflow-wrap: anywhere } dt { font-weight: 600 }
pre { overflow: auto; max-height: 20rem; padding: .6rem; border: 1px solid var(--line); border-radius: 4px; font-size: .85rem }
`;

function toAnchor(type: string): string {
  return `type-${encodeURIComponent(type)}`;
}

function formatShort(value: number): string {
  return String(Math.round(value * 100) / 100);
}
