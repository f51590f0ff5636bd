/** Toggles: the preferences of a user as one switch and one delivery method for each notification type. */

import type { NotificationType } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import type { JsonObject } from '../model/event.ts';
import type { PlanQuestion } from '../model/plan.ts';
import type { PlanCode } from '../model/plan-codes.ts';
import type { Terms } from '../model/terms.ts';
import { describeVerdict } from './describe-verdicts.ts';
import { type EffectiveCell, type EffectiveQuestion, findEffective } from './effective.ts';
import { askAudience, findProduct } from './policies/audience.ts';

/** Why a toggle cannot be changed. */
export interface LockedReason {
  readonly code: PlanCode;
  /** The end of a sentence: `the user turned off category MARKETING`. */
  readonly text: string;
}

/** The toggle of a notification type. */
export interface Toggle {
  readonly type: NotificationType;
  /** The product of the user for which it is; null: it is for every user. */
  readonly product: string | null;
  readonly enabled: boolean;
  /** The channel by which the user gets it, or would get it. */
  readonly method: Channel;
  /** The channels from which the user can choose; of a locked toggle all of them. */
  readonly methods: readonly Channel[];
  /** Undefined: the user can change it. */
  readonly locked: LockedReason | undefined;
}

/** A change of a toggle; what is absent stays. */
export interface ToggleChange {
  readonly enabled?: boolean | undefined;
  readonly method?: Channel | undefined;
}

/** Returns terms after a change of the preferences of a type, which wins over everything that was said. */
export type TryChange = (terms: Terms, type: string, change: JsonObject) => Terms;

/** Returns the toggle of a type; undefined: it can never concern this user, by its channels or its audience. */
export function findToggle(type: NotificationType, asked: EffectiveQuestion, tryChange: TryChange): Toggle | undefined {
  const cells = findCells(type, asked);
  if (cells.length === 0) return undefined;
  const question: PlanQuestion = { ...asked, type, channels: type.channels, expiresAt: null, isUrgent: false };
  if (cells.every(({ cell }) => !cell.on) && askAudience(question)) return undefined;
  // The user can change what would be on, had they turned the type and each of its channels on.
  const tried = findCells(type, withTerms(asked, turnedOn(cells)));
  const own = cells.filter(({ cell }, index) => cell.changeable && tried[index]?.cell.on);
  const governed = own.length > 0 ? own : cells;
  const wanted = findCells(type, withTerms(asked, { enabled: true }));
  const isWanted = (name: Channel) => wanted.some(({ channel, cell }) => channel === name && cell.on);
  const methods = governed.map(({ channel }) => channel);
  return {
    type,
    product: findProduct(question),
    enabled: governed.some(({ cell }) => cell.on),
    method: methods.find(isWanted) ?? (methods[0] as Channel),
    methods,
    locked: own.length > 0 ? undefined : describeLock(tried),
  };

  function withTerms(from: EffectiveQuestion, change: JsonObject): EffectiveQuestion {
    return { ...from, terms: tryChange(from.terms, type.name, change) };
  }
}

/** Returns what of the preferences of its type makes this change of a toggle: the body of a change for the type. */
export function toTypeChange(
  { type, method: current, methods }: Toggle,
  { enabled, method }: ToggleChange,
  terms: Terms,
  isLockedOn: (channel: Channel) => boolean,
): JsonObject {
  const scopes = terms.p ?? {};
  const own = scopes[`t:${type.name}`];
  const chosen = method ?? current;
  const list = own?.channels?.[0];
  const isNarrowed = list !== undefined && list !== null && !methods.some((one) => list.includes(one));
  const needsList = method !== undefined || (enabled === true && isNarrowed);
  const isOff = scopes[`t:${type.name}/${chosen}`]?.on?.[0] === 0;
  return {
    ...(enabled !== undefined && { enabled }),
    ...(needsList && { channels: type.channels.filter((one) => one === chosen || isLockedOn(one)) }),
    ...(isOff && (method !== undefined || enabled === true) && { [chosen]: null }),
    ...(enabled === true && own?.freq?.[0] === 'NEVER' && { frequency: null }),
  };
}

interface ChannelCell {
  readonly channel: Channel;
  readonly cell: EffectiveCell;
}

function findCells(type: NotificationType, asked: EffectiveQuestion): readonly ChannelCell[] {
  const [found] = findEffective([type], asked);
  return type.channels.flatMap((channel) => {
    const cell = CHANNEL_DESCRIPTORS[channel].isForOthers ? undefined : found?.channels[channel];
    return cell ? [{ channel, cell }] : [];
  });
}

function turnedOn(cells: readonly ChannelCell[]): JsonObject {
  const channels = cells.map(({ channel }) => channel);
  return {
    enabled: true,
    frequency: null,
    channels,
    ...Object.fromEntries(channels.map((channel) => [channel, true])),
  };
}

function describeLock(tried: readonly ChannelCell[]): LockedReason {
  const { channel, cell } = tried.find((one) => !one.cell.on) ?? (tried[0] as ChannelCell);
  const { code } = cell.decided_by;
  if (code === 'required') return { code, text: 'it is required: no user can turn it off' };
  if (code === 'tenant_on') return { code, text: 'it is locked on for every user' };
  return { code, text: describeVerdict({ channel, verdict: cell.on ? 'go' : 'drop', ...cell.decided_by }) };
}
