import { CHOOSING_VARIABLES, loadProvider, VARIABLE_PREFIXES } from '../channels/registry.ts';
import { DEFAULT_SUBSTITUTE, SUBSTITUTES } from '../channels/substitutes.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import type { InstallationSettings } from './installation.ts';

/** Variables that a sentence names, at most. */
const MAX_NAMED = 10;

/** The variables of the sender of email, whichever provider sends it. */
const SENDER_VARIABLES = ['EMAIL_FROM_EMAIL', 'EMAIL_FROM_NAME', 'EMAIL_REPLY_TO', 'TIDINGS_MAIL_FROM'];

/** Phrase about the messages of a channel without a provider. */
const STAYS = SUBSTITUTES[DEFAULT_SUBSTITUTE]?.one;

/**
 * Returns a sentence about the variables of each provider that have no effect: no channel has the provider, or it knows no such
 * variable. Where the channel was given another provider or a substitute, that is no mistake; but one that alone would choose the
 * provider is named beside another. No sentence has a value of a variable.
 */
export async function describeUnused(settings: InstallationSettings): Promise<string[]> {
  const { environment, providers } = settings;
  const used = new Set(Object.values(providers));
  const sentences: string[] = [];
  for (const [provider, names] of groupVariables(environment)) {
    const sentence = used.has(provider)
      ? await describeUnknown(provider, names)
      : await describeUnchosen(provider, names, settings);
    if (sentence !== undefined) sentences.push(sentence);
  }
  const sender = SENDER_VARIABLES.filter((name) => environment[name]?.trim());
  const isToldAlready = sentences.some((sentence) => sentence.includes('EMAIL_PROVIDER'));
  if (sender.length > 0 && providers.email === undefined && !isToldAlready) {
    sentences.push(
      `${listNames(sender)} no effect: no provider is chosen for email, which ${STAYS}; set EMAIL_PROVIDER.`,
    );
  }
  return sentences;
}

/** Returns the names of the variables of each provider that are set, in alphabetical order. */
function groupVariables(environment: InstallationSettings['environment']): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const name of Object.keys(environment).sort()) {
    const prefix = Object.keys(VARIABLE_PREFIXES).find((one) => name.startsWith(one));
    if (prefix === undefined || !environment[name]?.trim()) continue;
    const provider = VARIABLE_PREFIXES[prefix] as string;
    groups.set(provider, [...(groups.get(provider) ?? []), name]);
  }
  return groups;
}

async function describeUnchosen(
  provider: string,
  names: readonly string[],
  { chosenBy, providers }: InstallationSettings,
): Promise<string | undefined> {
  const channels = (await loadProvider(provider))?.channels ?? [];
  const [channel] = channels;
  const chooser = Object.keys(CHOOSING_VARIABLES).find((name) => CHOOSING_VARIABLES[name]?.provider === provider);
  const taken = channels.find(
    (one) => chosenBy[one] !== undefined && !Object.hasOwn(SUBSTITUTES, providers[one] ?? ''),
  );
  if (taken !== undefined && chooser !== undefined && names.includes(chooser)) {
    const other = `${chosenBy[taken]} chooses ${providers[taken]} for ${taken}`;
    return `${listNames(names)} no effect: ${other}, and no channel has the provider ${provider}.`;
  }
  if (channel === undefined || channels.some((one) => chosenBy[one] !== undefined)) return undefined;
  const right = chooser ?? `${channel.toUpperCase()}_PROVIDER=${provider}`;
  return `${listNames(names)} no effect: no channel has the provider ${provider}, and ${channel} ${STAYS}; set ${right}.`;
}

async function describeUnknown(provider: string, names: readonly string[]): Promise<string | undefined> {
  const environment = (await loadProvider(provider))?.environment;
  const known = Object.values(environment?.variables ?? {});
  const patterns = Object.values(environment?.patterns ?? {}).map((pattern) => pattern.split('*'));
  const unknown = names.filter(
    (name) =>
      !known.includes(name) &&
      !patterns.some(([before = '', after = '']) => name.startsWith(before) && name.endsWith(after)),
  );
  const [first] = unknown;
  if (first === undefined) return undefined;
  const near = findNearest(first, known);
  const right = near === undefined ? `it reads ${known.join(', ')}` : `did you mean ${near}?`;
  return `${listNames(unknown)} no effect: ${provider} knows no such variable; ${right}${near === undefined ? '.' : ''}`;
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).join(', ');
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
  return `${shown}${more} ${names.length === 1 ? 'has' : 'have'}`;
}
