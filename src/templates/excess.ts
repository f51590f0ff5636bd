import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { PartName, SizeLimit } from '../model/channels/descriptor.ts';
import { CHANNELS, type Channel, type Message } from '../model/delivery.ts';

/** The bounds of each channel as a list, made once. */
const LIMITS = new Map(
  CHANNELS.map((channel) => [channel, Object.entries(CHANNEL_DESCRIPTORS[channel].limits) as [PartName, SizeLimit][]]),
);

/** Whether a message of these parts can be too large for the channel, beside the bounds of every part. */
export function isBounded(channel: Channel, parts: readonly string[]): boolean {
  return (
    CHANNEL_DESCRIPTORS[channel].whole !== undefined || LIMITS.get(channel)!.some(([part]) => parts.includes(part))
  );
}

/**
 * Returns what is too large for the channel, as the rest of a sentence that begins with `The` and has `{}` in the place of the
 * notification type; undefined: nothing is.
 */
export function findExcess(channel: Channel, message: Message): string | undefined {
  for (const [part, limit] of LIMITS.get(channel)!) {
    const value = part === 'attachments' ? message.files : part === 'preheader' ? undefined : message[part];
    if (value === undefined) continue;
    const size = measure(value, limit.unit);
    if (size > limit.max) return describe(`${part} part of {}`, size, channel, limit);
  }
  const { label, whole } = CHANNEL_DESCRIPTORS[channel];
  if (whole === undefined) return undefined;
  const size = measure(message, whole.unit);
  return size > whole.max ? describe(`${label} message of {}`, size, channel, whole) : undefined;
}

function describe(what: string, size: number, channel: Channel, { max, unit, source }: SizeLimit): string {
  const { label } = CHANNEL_DESCRIPTORS[channel];
  return `${what} has ${size} ${unit}, and ${label} takes at most ${max} (set by ${source}).`;
}

function measure(value: unknown, unit: SizeLimit['unit']): number {
  if (unit === 'entries') return (value as readonly unknown[]).length;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return unit === 'characters' ? text.length : Buffer.byteLength(text);
}
