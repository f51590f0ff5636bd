import { ConfigError } from '../errors.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { splitList } from '../lib/text/split-list.ts';
import { unquote } from '../lib/text/unquote.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { CHANNELS, type Channel } from '../model/delivery.ts';
import { listChannelsOf, PROVIDER_NAMES } from '../model/provider-names.ts';
import type { Environment } from '../settings/values.ts';
import { CHOOSING_VARIABLES } from './registry.ts';
import { SUBSTITUTES } from './substitutes.ts';

/** The providers of the installation. */
export interface ChosenProviders {
  /** Name of the provider, or of the substitute, of each channel for which one was chosen. */
  readonly providers: { readonly [channel in Channel]?: string };
  /** The variable that chose each of them. */
  readonly chosenBy: { readonly [channel in Channel]?: string };
}

/** The sender of email of the installation, `Name <address>`, and the variable that gives it. */
export interface EmailSender {
  readonly text: string;
  readonly variable: string;
}

/**
 * Reads which provider each channel of the installation has: by `TIDINGS_PROVIDERS`, by a variable such as `EMAIL_PROVIDER`, or
 * by a variable that implies one. Their settings are read when they are opened.
 */
export function parseProviders(env: Environment): ChosenProviders {
  const providers: { [channel in Channel]?: string } = {};
  const chosenBy: { [channel in Channel]?: string } = {};
  const choose = (channel: Channel, provider: string, variable: string) => {
    if (providers[channel] !== undefined && providers[channel] !== provider) {
      throw new ConfigError(
        `${variable} chooses ${provider} for ${channel}, and ${chosenBy[channel]} chooses ${providers[channel]}; set only one of them`,
      );
    }
    providers[channel] = requireProviderName(provider, variable, channel, env);
    chosenBy[channel] ??= variable;
  };
  for (const item of splitList(env.TIDINGS_PROVIDERS)) {
    const [channel, provider] = item.split('=') as [string, string | undefined];
    if (!isOneOf(CHANNELS, channel) || !provider) {
      throw new ConfigError(
        `TIDINGS_PROVIDERS has "${item}"; write CHANNEL=PROVIDER with one of ${CHANNELS.join(', ')}`,
      );
    }
    choose(channel, provider, 'TIDINGS_PROVIDERS');
  }
  for (const channel of CHANNELS) {
    const variable = `${channel.toUpperCase()}_PROVIDER`;
    const provider = unquote(env[variable]);
    if (provider) choose(channel, provider.toLowerCase(), variable);
  }
  const chosen = new Set(Object.keys(providers));
  for (const [variable, { channel, provider }] of Object.entries(CHOOSING_VARIABLES)) {
    if (env[variable] && !chosen.has(channel)) choose(channel, provider, variable);
  }
  for (const { name, ownProvider } of Object.values(CHANNEL_DESCRIPTORS)) {
    if (ownProvider !== undefined) providers[name] ??= ownProvider;
  }
  return { providers, chosenBy };
}

function requireProviderName(name: string, variable: string, channel: Channel, env: Environment): string {
  const known = [...new Set([...Object.keys(SUBSTITUTES), ...PROVIDER_NAMES])];
  if (!known.includes(name)) {
    const fitting = known.filter((one) => goesBy(one, channel));
    const near = findNearest(name, fitting);
    const right = near === undefined ? `write one of ${fitting.join(', ')}` : `did you mean ${near}?`;
    throw new ConfigError(`${variable} names the provider "${name}" for ${channel}, which does not exist; ${right}`);
  }
  if (name === 'inbox' && channel !== INBOX_CHANNEL) {
    throw new ConfigError(`${variable} chooses inbox for ${channel}; it keeps messages of ${INBOX_CHANNEL} only`);
  }
  const needed = Object.entries(CHOOSING_VARIABLES).find(([, { provider }]) => provider === name)?.[0];
  if (needed !== undefined && !env[needed]) {
    throw new ConfigError(`${variable} chooses ${name} for ${channel}, which needs ${needed}; set it as well`);
  }
  return name;
}

const INBOX_CHANNEL = CHANNELS.find((one) => CHANNEL_DESCRIPTORS[one].ownProvider === 'inbox');

/** Returns whether a provider or substitute may be that of a channel. */
function goesBy(name: string, channel: Channel): boolean {
  const provider = PROVIDER_NAMES.find((one) => one === name);
  if (provider !== undefined) return listChannelsOf(provider).includes(channel);
  return name !== 'inbox' || channel === INBOX_CHANNEL;
}

/** Characters of the name of a sender. */
const MAX_NAME_CHARS = 200;

/** Reads the sender of email: `EMAIL_FROM_EMAIL` with `EMAIL_FROM_NAME`, or `TIDINGS_MAIL_FROM`. Its form is checked later. */
export function parseSender(env: Environment): EmailSender | null {
  const own = env.TIDINGS_MAIL_FROM;
  const address = unquote(env.EMAIL_FROM_EMAIL);
  const name = unquote(env.EMAIL_FROM_NAME);
  if (!address) {
    if (name)
      throw new ConfigError('EMAIL_FROM_NAME is set without EMAIL_FROM_EMAIL; set the address of the sender as well');
    return own ? { text: own, variable: 'TIDINGS_MAIL_FROM' } : null;
  }
  if (own) throw new ConfigError('EMAIL_FROM_EMAIL and TIDINGS_MAIL_FROM are both set; set only one of them');
  if (!name) return { text: address, variable: 'EMAIL_FROM_EMAIL' };
  if (name.length > MAX_NAME_CHARS || /\p{Cc}/u.test(name)) {
    throw new ConfigError(
      `EMAIL_FROM_NAME must be one line of at most ${MAX_NAME_CHARS} characters, without control characters`,
    );
  }
  const quoted = name.replaceAll(/[\\"]/g, '\\$&');
  return { text: `"${quoted}" <${address}>`, variable: 'EMAIL_FROM_EMAIL' };
}

function isOneOf<T extends string>(all: readonly T[], value: string | undefined): value is T {
  return (all as readonly (string | undefined)[]).includes(value);
}
