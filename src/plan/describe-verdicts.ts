import { joinWords } from '../lib/text/join-words.ts';
import type { Verdict } from '../model/plan.ts';
import { WAITS_FOR_CONFIRMATION } from '../model/terms.ts';

/**
 * Returns the verdicts that hold or drop a message as the end of a sentence: `the user turned off category MARKETING (email)`.
 */
export function describeVerdicts(verdicts: readonly Verdict[]): string {
  const byText = new Map<string, string[]>();
  for (const verdict of verdicts) {
    if (verdict.verdict === 'go') continue;
    const text = describeVerdict(verdict);
    byText.set(text, [...(byText.get(text) ?? []), verdict.channel]);
  }
  return [...byText].map(([text, channels]) => `${text} (${joinWords(channels)})`).join('; ');
}

/** Returns what a verdict says in words, as the end of a sentence. */
export function describeVerdict({ channel, code, level, value, since, until }: Verdict): string {
  const when = since === null ? '' : ` on ${formatTime(since)}`;
  const where = level.slice(level.indexOf(': ') + 2).replace(` / ${channel}`, '');
  switch (code) {
    case 'consent_missing':
      return value === WAITS_FOR_CONFIRMATION
        ? `consent for ${where} waits for its confirmation by the user, as they were asked${when}`
        : `there is no consent for ${where}`;
    case 'consent_withdrawn':
      return `consent for ${where} was withdrawn${when}${value === WAITS_FOR_CONFIRMATION ? ', and the new one is not confirmed yet' : ''}`;
    case 'tenant_off':
      return `it is locked off for every user (${where})`;
    case 'not_for_user':
      return `it is only for users with ${joinWords(Array.isArray(value) ? value.map(String) : [], 'or')}`;
    case 'preference_off':
      if (value === 'only_listed')
        return `the user wants only what they have turned on${when && `, as they said${when}`}`;
      if (Array.isArray(value)) return `the user left ${channel} out of the ${where}${when}`;
      return value === 'NEVER' ? `the user set the ${where} to NEVER${when}` : `the user turned off ${where}${when}`;
    case 'not_subscribed':
      return `it is off unless the user turns it on (${where})`;
    case 'quiet_hours_dropped':
      return `it would have to wait for ${String(value)}, and its type is dropped instead`;
    case 'would_expire':
      return `it would expire while it waits for ${String(value)}`;
    case 'paused':
      return `it waits until ${formatTime(until ?? '')}, after ${String(value)}`;
    case 'legal_hours':
      return `it waits until ${formatTime(until ?? '')}, as the law allows it ${String(value)}`;
    case 'quiet_hours':
      return `it waits until ${formatTime(until ?? '')}, after the quiet hours ${String(value)}`;
    case 'duplicate_content':
      return `the same content went out on ${formatTime(String(value))}`;
    case 'rate_limited':
      return `it waits until ${formatTime(until ?? '')}, as the user gets at most ${String(value)}`;
    case 'folded':
      return `it waits for the digest of ${formatTime(until ?? '')}, as the user gets it ${String(value)}`;
    default:
      return `${where} is ${String(value)}`;
  }
}

function formatTime(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}
