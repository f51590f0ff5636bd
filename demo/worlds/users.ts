import type { Chance } from '../chance.ts';

/** A user of one of the companies. */
export interface DemoUser {
  readonly id: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly phone: string;
  readonly locale: string;
  readonly zone: string;
  /** Hours ahead of UTC, for the rhythm of a day alone. */
  readonly offset: number;
  /** Registration of the app at Firebase; null: they have no app. */
  readonly device: string | null;
  readonly traits: { readonly [name: string]: unknown };
}

interface Place {
  readonly zone: string;
  readonly offset: number;
  readonly locale: string;
  /** Number, with `#` in the place of the digits that differ. */
  readonly phone: string;
  readonly names: readonly string[];
}

const PLACES: { readonly [name: string]: Place } = {
  london: {
    zone: 'Europe/London',
    offset: 0,
    locale: 'en-GB',
    phone: '+4477009#####',
    names: ['Amelia', 'George', 'Isla', 'Oliver', 'Freya', 'Arthur', 'Poppy', 'Harry'],
  },
  madrid: {
    zone: 'Europe/Madrid',
    offset: 1,
    locale: 'es-ES',
    phone: '+346128#####',
    names: ['Lucía', 'Hugo', 'Sofía', 'Martín', 'Paula', 'Álvaro', 'Carmen', 'Diego'],
  },
  berlin: {
    zone: 'Europe/Berlin',
    offset: 1,
    locale: 'de-DE',
    phone: '+491512#######',
    names: ['Emma', 'Ben', 'Hannah', 'Jonas', 'Mia', 'Felix', 'Lena', 'Paul'],
  },
  lisbon: {
    zone: 'Europe/Lisbon',
    offset: 0,
    locale: 'pt-PT',
    phone: '+351912######',
    names: ['Maria', 'João', 'Leonor', 'Rodrigo', 'Matilde', 'Tomás', 'Inês', 'Afonso'],
  },
  newYork: {
    zone: 'America/New_York',
    offset: -5,
    locale: 'en-US',
    phone: '+1212555####',
    names: ['Olivia', 'Liam', 'Ava', 'Noah', 'Grace', 'Ethan', 'Zoe', 'Mason'],
  },
  chicago: {
    zone: 'America/Chicago',
    offset: -6,
    locale: 'en-US',
    phone: '+1312555####',
    names: ['Dana', 'Marcus', 'Erin', 'Tyrone', 'Kate', 'Andre', 'Molly', 'Sean'],
  },
  losAngeles: {
    zone: 'America/Los_Angeles',
    offset: -8,
    locale: 'es-US',
    phone: '+1213555####',
    names: ['Valeria', 'Mateo', 'Camila', 'Sebastián', 'Elena', 'Luis', 'Rosa', 'Javier'],
  },
};

const LAST_NAMES = [
  'Reyes',
  'Walker',
  'Silva',
  'Becker',
  'Novak',
  'Hughes',
  'Ortega',
  'Lindqvist',
  'Costa',
  'Murphy',
  'Weber',
  'Castillo',
  'Bennett',
  'Pereira',
  'Fischer',
  'Romero',
];

/**
 * Returns so many users.
 * @param prefix of their ids
 * @param places names in PLACES; one that stands there twice has twice as many of them
 * @param toTraits what the company knows of one besides
 */
export function makeUsers(
  chance: Chance,
  {
    prefix,
    count,
    places,
    apps,
  }: { prefix: string; count: number; places: readonly (keyof typeof PLACES)[]; apps: number },
  toTraits: (number: number, draw: ReturnType<Chance['stream']>) => { readonly [name: string]: unknown },
): DemoUser[] {
  return Array.from({ length: count }, (_, number) => {
    const draw = chance.stream(`${prefix} ${number}`);
    const { zone, offset, locale, phone, names } = PLACES[draw.among(places)] as Place;
    const firstName = draw.among(names);
    const lastName = draw.among(LAST_NAMES);
    const id = `${prefix}-${1001 + number}`;
    const plain = `${firstName}.${lastName}`
      .normalize('NFD')
      .replace(/[^a-zA-Z.]/g, '')
      .toLowerCase();
    return {
      id,
      firstName,
      lastName,
      email: `${plain}.${1001 + number}@example.com`,
      phone: phone.replace(/#+/, (digits) => String(number * 7).padStart(digits.length, '0')),
      locale,
      zone,
      offset,
      device: draw.is(apps) ? `${prefix}App${number}:APA91b${'x'.repeat(20)}${number}` : null,
      traits: toTraits(number, draw),
    };
  });
}
