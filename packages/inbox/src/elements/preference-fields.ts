import type { Preferences, TypePreferences } from '../client/types.ts';
import type { PreferenceText } from '../strings/preferences/en.ts';
import { h } from './dom.ts';
import type { Context } from './element.ts';
import type { Save } from './preference-rows.ts';

const FREQUENCIES = ['IMMEDIATE', 'HOURLY', 'DAILY', 'WEEKLY', 'NEVER'] as const;
const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
/** A Monday. */
const FIRST_DAY = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;
const HOURS = /(\d\d:\d\d)-(\d\d:\d\d)/;

/** Returns the choice of how often messages of a type come. */
export function renderFrequency(
  type: TypePreferences,
  label: string,
  { texts }: Context<PreferenceText, unknown>,
  save: Save,
): HTMLElement {
  const isFixed = Object.values(type.channels).every(({ changeable }) => !changeable);
  const select = h('select', {
    part: 'frequency',
    'aria-label': `${texts.get('frequency')}: ${label}`,
    'data-key': `${type.type}/frequency`,
    disabled: isFixed,
    onchange: () => save({ types: { [type.type]: { frequency: select.value } } }),
  });
  for (const value of FREQUENCIES) {
    select.append(h('option', { value, selected: value === type.frequency }, texts.get(`frequency.${value}`)));
  }
  return select;
}

/** Hours at which no messages come. */
export function renderQuietHours(
  { quiet_hours: hours, chosen }: Preferences,
  { texts }: Context<PreferenceText, unknown>,
  save: Save,
): HTMLElement {
  const [, start = '22:00', end = '08:00'] = HOURS.exec(hours?.hours ?? '') ?? [];
  const label = texts.get('quiet-hours.on');
  const zone = chosen.quiet_hours?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const from = h('input', {
    type: 'time',
    value: start,
    required: true,
    'data-key': 'quiet/from',
    onchange: () => store(),
  });
  const to = h('input', { type: 'time', value: end, required: true, 'data-key': 'quiet/to', onchange: () => store() });
  const store = () => {
    if (from.value && to.value && from.value !== to.value)
      save({ quiet_hours: { start: from.value, end: to.value, zone } });
  };
  const isOn = hours !== null;
  const toggle = h('button', {
    type: 'button',
    role: 'switch',
    part: 'switch',
    'aria-checked': String(isOn),
    'aria-label': label,
    'data-key': 'quiet',
    onclick: () =>
      save(
        { quiet_hours: isOn ? { enabled: false } : { start, end, zone } },
        { label: texts.get('quiet-hours'), isOn: !isOn },
      ),
  });
  const fields = h(
    'div',
    { class: 'fields' },
    h('label', {}, texts.get('from'), from),
    h('label', {}, texts.get('to'), to),
  );
  fields.hidden = !isOn;
  return h(
    'fieldset',
    { part: 'quiet-hours' },
    h('legend', {}, texts.get('quiet-hours')),
    h('div', { class: 'row' }, toggle, label),
    fields,
    h(
      'span',
      { class: 'about' },
      hours ? `${texts.get('quiet-hours.now', { hours: hours.hours })} · ` : '',
      texts.get('quiet-hours.help'),
    ),
  );
}

/** When summaries come. */
export function renderDigest(
  { digest_time: digest }: Preferences,
  { texts, locale }: Context<PreferenceText, unknown>,
  save: Save,
): HTMLElement {
  const names = new Intl.DateTimeFormat(locale, { weekday: 'long', timeZone: 'UTC' });
  const at = h('input', {
    type: 'time',
    value: digest.at,
    required: true,
    'data-key': 'digest/at',
    onchange: () => store(),
  });
  const day = h('select', { 'data-key': 'digest/day', onchange: () => store() });
  for (const [index, value] of DAYS.entries()) {
    day.append(h('option', { value, selected: value === digest.day }, names.format(FIRST_DAY + index * DAY_MS)));
  }
  const store = () => {
    if (at.value) save({ digest_time: { at: at.value, day: day.value } });
  };
  return h(
    'fieldset',
    { part: 'digest' },
    h('legend', {}, texts.get('digest')),
    h(
      'div',
      { class: 'fields' },
      h('label', {}, texts.get('digest.at'), at),
      h('label', {}, texts.get('digest.day'), day),
    ),
    h('span', { class: 'about' }, `${texts.get('digest.help')} (${digest.zone})`),
  );
}
