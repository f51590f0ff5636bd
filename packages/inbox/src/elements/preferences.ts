import type { PreferencesClient } from '../client/preferences-client.ts';
import type { PreferenceChange, Preferences } from '../client/types.ts';
import type { PreferenceText } from '../strings/preferences/en.ts';
import { PREFERENCE_TEXTS } from '../strings/preferences/texts.ts';
import { h, setAttribute } from './dom.ts';
import { type Context, TidingsElement } from './element.ts';
import { renderDigest, renderFrequency, renderQuietHours } from './preference-fields.ts';
import { type Group, type PreferenceRows, type Save, type Switch, toRows, toUndo } from './preference-rows.ts';
import { PREFERENCES, SHARED } from './styles.ts';

/** Parts that are shown unless `show` says otherwise. */
const PARTS = 'general,category,frequency,quiet-hours,digest';

/**
 * `<tidings-preferences>`: what a user gets, and by which channel. Each change is saved at once, and can be taken back.
 *
 * Attributes: `layout` (`matrix` or `list`), `groups` (`category` or `none`), `show` (of `general`, `category`, `frequency`, `quiet-hours`
 * and `digest`), `channels`.
 */
export class TidingsPreferences extends TidingsElement<PreferenceText, PreferencesClient> {
  static readonly observedAttributes = ['layout', 'groups', 'show', 'channels'];

  readonly #title = h('h2', { part: 'heading', id: 'title' });
  readonly #content = h('div', { part: 'content' });
  readonly #live = h('span', { role: 'status', 'aria-live': 'polite' });
  readonly #undo = h('button', { type: 'button', class: 'link', part: 'undo', hidden: true });
  readonly #result = h('div', { class: 'result', part: 'result' }, this.#live, this.#undo);
  #preferences: Preferences | undefined;
  #saving: Promise<unknown> = Promise.resolve();
  #pending = 0;

  constructor() {
    super([SHARED, PREFERENCES], PREFERENCE_TEXTS);
    const slot = h('slot', { name: 'header' }, this.#title);
    this.root.append(slot, this.#content, this.#result, h('slot', { name: 'footer' }));
  }

  /** The preferences as they were loaded last. */
  get preferences(): Preferences | undefined {
    return this.#preferences;
  }

  /** Loads the preferences anew. */
  async refresh(): Promise<void> {
    const { client, context } = this;
    if (!client || !context) return;
    try {
      this.#preferences = await client.loadPreferences();
    } catch {
      const retry = h(
        'button',
        { type: 'button', class: 'link', part: 'retry', onclick: () => void this.refresh() },
        context.texts.get('retry'),
      );
      this.#content.replaceChildren(
        h('div', { class: 'notice', role: 'alert', part: 'error' }, context.texts.get('preferences.error'), retry),
      );
      return;
    }
    if (this.context === context) this.#draw();
  }

  protected override connect({ texts }: Context<PreferenceText, PreferencesClient>): void {
    this.#title.textContent = texts.get('preferences');
    this.#undo.textContent = texts.get('undo');
    if (this.#preferences) this.#draw();
    else this.#content.replaceChildren(h('div', { class: 'center' }, texts.get('loading')));
    void this.refresh();
  }

  #draw(): void {
    const { context } = this;
    const preferences = this.#preferences;
    if (!context || !preferences) return;
    const shown = new Set((this.getAttribute('show') ?? PARTS).split(',').map((one) => one.trim()));
    const wanted = (this.getAttribute('channels') ?? '')
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean);
    const rows = toRows(preferences, wanted, this.getAttribute('groups') !== 'none');
    const focused = (this.root.activeElement as HTMLElement | null)?.dataset.key;
    const save: Save = (change, name) => void this.#save(change, name);
    this.#content.replaceChildren(
      h('div', { class: 'wrap', tabindex: '-1' }, this.#drawTable(rows, shown)),
      ...(shown.has('quiet-hours') ? [renderQuietHours(preferences, context, save)] : []),
      ...(shown.has('digest') ? [renderDigest(preferences, context, save)] : []),
    );
    if (focused) this.#content.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  #drawTable(rows: PreferenceRows, shown: ReadonlySet<string>): HTMLTableElement {
    const { texts } = this.context as Context<PreferenceText, PreferencesClient>;
    const hasFrequency = shown.has('frequency');
    const { channels } = rows;
    const header = (text: string) => h('th', { scope: 'col' }, text);
    const head = h(
      'tr',
      {},
      header(texts.get('notification')),
      ...channels.map((one) => header(texts.name('channel', one))),
    );
    if (hasFrequency) head.append(header(texts.get('frequency')));
    const isStacked = this.getAttribute('layout') === 'list';
    const table = h('table', { part: 'table', class: isStacked ? 'stack list' : 'stack', 'aria-labelledby': 'title' });
    table.append(h('thead', {}, head));
    if (shown.has('general')) {
      const label = texts.get('everything');
      const name = h(
        'th',
        { scope: 'row', part: 'row-name' },
        h('span', { class: 'row' }, this.#drawSwitch(rows.everything, label, 'all'), label),
      );
      const row = h('tr', { class: 'group' }, name, ...this.#drawCells(channels, rows.general, label, 'general'));
      if (hasFrequency) row.append(h('td', { class: 'none' }));
      table.append(h('tbody', { part: 'general' }, row));
    }
    for (const group of rows.groups) table.append(this.#drawGroup(group, channels, shown));
    return table;
  }

  #drawGroup({ category, whole, rows }: Group, channels: readonly string[], shown: ReadonlySet<string>): HTMLElement {
    const { texts } = this.context as Context<PreferenceText, PreferencesClient>;
    const hasFrequency = shown.has('frequency');
    const body = h('tbody', { part: 'group' });
    if (category !== undefined) {
      const name = texts.name('category', category);
      const label = texts.get('whole', { category: name });
      const cells = shown.has('category')
        ? this.#drawCells(channels, whole, label, category, true)
        : channels.map(() => h('td', { class: 'none' }));
      const row = h('tr', { class: 'group' }, h('th', { scope: 'rowgroup', part: 'group-name' }, name), ...cells);
      if (hasFrequency) row.append(h('td', { class: 'none' }));
      body.append(row);
    }
    for (const { type, switches } of rows) {
      const label = texts.name('type', type.type);
      const about = texts.find(`about.${type.type}`) ?? type.description;
      const reasons = [
        ...new Set(switches.flatMap(({ reason }) => (reason === undefined || reason === 'above' ? [] : [reason]))),
      ];
      const why = reasons.map((reason) => texts.find(`reason.${reason}`) ?? texts.get('reason.other')).join(' ');
      const th = h(
        'th',
        { scope: 'row', part: 'row-name' },
        label,
        about ? h('span', { class: 'about', part: 'about' }, about) : undefined,
        why ? h('span', { class: 'why', part: 'reason' }, why) : undefined,
      );
      const row = h('tr', { part: 'row' }, th, ...this.#drawCells(channels, switches, label, type.type));
      if (hasFrequency)
        row.append(
          h(
            'td',
            { class: 'frequency' },
            renderFrequency(
              type,
              label,
              this.context as Context<PreferenceText, PreferencesClient>,
              (change, name) => void this.#save(change, name),
            ),
          ),
        );
      body.append(row);
    }
    return body;
  }

  #drawCells(
    channels: readonly string[],
    switches: readonly Switch[],
    label: string,
    key: string,
    isWhole = false,
  ): HTMLElement[] {
    const { texts } = this.context as Context<PreferenceText, PreferencesClient>;
    return channels.map((channel) => {
      const found = switches.find((one) => one.channel === channel);
      const name = texts.name('channel', channel);
      if (found) {
        const text = texts.get('switch', { channel: name, type: label });
        return h('td', { class: 'cell', 'data-channel': name }, this.#drawSwitch(found, text, `${key}/${channel}`));
      }
      const none = isWhole ? undefined : h('span', { class: 'quiet' }, texts.get('not-offered'));
      return h('td', { class: 'cell none' }, none);
    });
  }

  /** One that cannot be changed can still be reached and read: it says why. */
  #drawSwitch({ isOn, reason, change }: Switch, label: string, key: string): HTMLElement {
    const { texts } = this.context as Context<PreferenceText, PreferencesClient>;
    const why = reason === undefined ? undefined : (texts.find(`reason.${reason}`) ?? texts.get('reason.other'));
    const button = h('button', {
      type: 'button',
      role: 'switch',
      part: 'switch',
      'aria-checked': String(isOn),
      'aria-label': label,
      'aria-disabled': why ? 'true' : undefined,
      'aria-description': why,
      title: why,
      'data-key': key,
      onclick: () => {
        if (why) return void this.#say(why);
        setAttribute(button, 'aria-checked', String(!isOn));
        void this.#save(change, { label, isOn: !isOn });
      },
    });
    return button;
  }

  /** Saves a change after those before it, says what came of it, and offers to take it back. */
  async #save(change: PreferenceChange, name?: { readonly label: string; readonly isOn: boolean }): Promise<void> {
    const { texts } = this.context as Context<PreferenceText, PreferencesClient>;
    if (!this.emit('tidings-preference-change', { change, phase: 'before' })) return this.#draw();
    this.#pending++;
    const saved = this.#saving.then(() => this.#send(change));
    this.#saving = saved.catch(() => {});
    try {
      const undo = await saved;
      const what = name ? `${texts.get(name.isOn ? 'turned-on' : 'turned-off', { name: name.label })} ` : '';
      this.#say(`${what}${texts.get('saved')}`);
      this.#undo.hidden = false;
      this.#undo.onclick = () => void this.#takeBack(undo);
      this.emit('tidings-preference-change', { change, phase: 'after' });
    } catch {
      this.#say(texts.get('not-saved'));
      this.#undo.hidden = true;
    }
    if (--this.#pending === 0) this.#draw();
  }

  /** Returns the change that takes it back. */
  async #send(change: PreferenceChange): Promise<PreferenceChange> {
    const before = this.#preferences?.chosen ?? {};
    if (!this.client) throw new Error('no provider');
    this.#preferences = await this.client.changePreferences(change);
    return toUndo(change, before);
  }

  async #takeBack(undo: PreferenceChange): Promise<void> {
    const { texts } = this.context as Context<PreferenceText, PreferencesClient>;
    const hadFocus = this.root.activeElement === this.#undo;
    this.#undo.hidden = true;
    this.#pending++;
    const taken = this.#saving.then(() => this.#send(undo));
    this.#saving = taken.catch(() => {});
    try {
      await taken;
      this.#say(texts.get('undone'));
    } catch {
      this.#say(texts.get('not-saved'));
    }
    if (--this.#pending === 0) this.#draw();
    if (hadFocus) this.#content.querySelector<HTMLElement>('[role=switch]')?.focus();
  }

  /** The bar with the text stands over the end of the window: the control with the focus stays above it. */
  #say(text: string): void {
    this.#live.textContent = text;
    this.root.activeElement?.scrollIntoView({ block: 'nearest' });
  }
}
