/* Choices of a preview of the templates of a type: channels, locales, variants and users, and how they look. */
import type { RenderRequest } from '@tidings/client/types';
import { useMemo, useState } from 'react';
import { useParameter } from '../route.ts';
import { useDelayed } from '../rules/use-delayed.ts';
import { readObject } from '../shell/parse-object.ts';
import { DEFAULT_LOCALE, type Place } from './places.ts';

/** Messages of one request, as the server has it. */
const MAX_CELLS = 24;
/** Time (ms) without a key after which an event is used. */
const TYPED_AFTER_MS = 600;
/** Locales that are shown at first. */
const FIRST_LOCALES = 3;

/** A user whose event is shown. Null: a sample. */
export interface ChosenUser {
  readonly userId: string | null;
  /** Null: the newest event for which a rule sends the type. */
  readonly eventId: string | null;
}

export interface ChosenCell {
  readonly asked: RenderRequest['cells'][number];
  readonly user: ChosenUser;
}

const SAMPLE: ChosenUser = { userId: null, eventId: null };

type Look = 'html' | 'dark' | 'text';

export interface PreviewChoice {
  readonly all: {
    readonly channels: readonly string[];
    readonly locales: readonly string[];
    readonly variants: readonly string[];
  };
  readonly channels: readonly string[];
  readonly locales: readonly string[];
  /** Variants; DEFAULT is the template without one. */
  readonly variants: readonly string[];
  readonly users: readonly ChosenUser[];
  readonly width: 'desktop' | 'phone';
  readonly look: Look;
  readonly isWithoutPictures: boolean;
  /** JSON of the event of the sample; empty: one by its schema. */
  readonly event: string;
  /** The first of them, up to MAX_CELLS. */
  readonly cells: readonly ChosenCell[];
  /** Cells that are too many. */
  readonly leftOut: number;
  readonly sample: Pick<RenderRequest, 'dark' | 'event'>;
  setChannels(channels: readonly string[]): void;
  setLocales(locales: readonly string[]): void;
  setVariants(variants: readonly string[]): void;
  setUsers(users: readonly ChosenUser[]): void;
  setWidth(width: 'desktop' | 'phone'): void;
  setLook(look: Look): void;
  setWithoutPictures(is: boolean): void;
  setEvent(event: string): void;
}

/** The template without a variant. */
export const DEFAULT = 'default';

/** Keeps what is chosen. Channels, locales and how they look are in the address; what may be personal is not, but the user. */
export function usePreviewChoice(places: readonly Place[]): PreviewChoice {
  const [givenUser] = useParameter('user');
  const [channelText, setChannelText] = useParameter('channels');
  const [localeText, setLocaleText] = useParameter('locales');
  const [variantText, setVariantText] = useParameter('variants');
  const [width, setWidth] = useParameter('width');
  const [look, setLook] = useParameter('look');
  const [pictures, setPictures] = useParameter('pictures');
  const [users, setUsers] = useState<readonly ChosenUser[]>(() =>
    givenUser === null ? [SAMPLE] : [SAMPLE, { userId: givenUser, eventId: null }],
  );
  const [event, setEvent] = useState('');
  const all = useMemo(
    () => ({
      channels: [...new Set(places.map(({ channel }) => channel))],
      locales: [...new Set(places.map(({ locale }) => locale))],
      variants: [DEFAULT, ...new Set(places.flatMap(({ variant }) => (variant === null ? [] : [variant])))],
    }),
    [places],
  );
  const read = (text: string | null, known: readonly string[], usual: readonly string[]) =>
    text === null ? usual : known.filter((one) => text.split(',').includes(one));
  const channels = read(channelText, all.channels, all.channels);
  const locales = read(localeText, all.locales, all.locales.slice(0, FIRST_LOCALES));
  const variants = read(variantText, all.variants, all.variants);
  const wanted = channels.flatMap((channel) =>
    users.flatMap((user) =>
      variants.flatMap((variant) =>
        locales
          .filter((locale) => isThere(places, { channel, locale, variant }))
          .map((locale) => toCell({ channel, locale, variant }, user)),
      ),
    ),
  );
  const posted = readObject(useDelayed(event, TYPED_AFTER_MS) ?? '');
  const write = (set: (text: string | null) => void) => (chosen: readonly string[]) => set(chosen.join(','));
  return {
    all,
    ...{ channels, locales, variants, users, event },
    width: width === 'phone' ? 'phone' : 'desktop',
    look: look === 'dark' || look === 'text' ? look : 'html',
    isWithoutPictures: pictures === 'off',
    cells: wanted.slice(0, MAX_CELLS),
    leftOut: Math.max(0, wanted.length - MAX_CELLS),
    sample: {
      ...(look === 'dark' && { dark: true }),
      ...(posted && { event: posted as NonNullable<RenderRequest['event']> }),
    },
    setChannels: write(setChannelText),
    setLocales: write(setLocaleText),
    setVariants: write(setVariantText),
    setUsers,
    setWidth: (next) => setWidth(next === 'desktop' ? null : next),
    setLook: (next) => setLook(next === 'html' ? null : next),
    setWithoutPictures: (is) => setPictures(is ? 'off' : null),
    setEvent,
  };
}

/** Whether a place is worth a cell: a locale without a template of its own shows that of the default one, variants do not. */
function isThere(places: readonly Place[], wanted: { channel: string; locale: string; variant: string }): boolean {
  const of = places.filter(
    ({ channel, variant }) => channel === wanted.channel && (variant ?? DEFAULT) === wanted.variant,
  );
  return (
    of.some(({ locale }) => locale === wanted.locale) ||
    (wanted.variant === DEFAULT && of.some(({ locale }) => locale === DEFAULT_LOCALE))
  );
}

function toCell(
  { channel, locale, variant }: { channel: string; locale: string; variant: string },
  user: ChosenUser,
): ChosenCell {
  const { userId, eventId } = user;
  return {
    user,
    asked: {
      channel: channel as ChosenCell['asked']['channel'],
      locale,
      ...(variant !== DEFAULT && { variant }),
      ...(userId !== null && { user_id: userId, ...(eventId === null ? { last_event: true } : { event_id: eventId }) }),
    },
  };
}
