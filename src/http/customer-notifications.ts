import { TidingsError } from '../errors.ts';
import { contentUuid } from '../events/content.ts';
import type { Channel } from '../model/delivery.ts';
import type { Principal } from '../model/principal.ts';
import { PREFERENCE_UPDATED } from '../model/terms.ts';
import { findToggle, type Toggle, type ToggleChange, type TryChange, toTypeChange } from '../plan/toggles.ts';
import { findToggleRow, noteToggles } from '../store/toggles.ts';
import { mergeTerms } from '../users/terms.ts';
import type { HttpDependencies } from './app.ts';
import { type LoadedPreferences, Preferences } from './preferences.ts';
import { unknownUser } from './unknown-user.ts';

/** A toggle as the API shows it. */
export interface ToggleView {
  readonly id: string;
  readonly category: string;
  readonly product: string;
  readonly enabled: boolean;
  readonly selected_delivery_method: Channel;
  readonly delivery_methods: readonly Channel[];
  readonly locked: boolean;
  readonly locked_reason: { readonly code: string; readonly text: string } | null;
}

/** The product of toggles that are for every user. */
const EVERY_PRODUCT = 'GENERIC';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Channels that are on for a user whatever they chose. */
const LOCKED_ON: ReadonlySet<string> = new Set(['required', 'tenant_on']);

/** The toggles of users, one for each notification type that can concern them: another face of their preferences. */
export class CustomerNotifications {
  readonly #parts: Pick<HttpDependencies, 'database' | 'catalogs' | 'pipeline' | 'clock'>;
  readonly #preferences: Preferences;

  constructor(parts: Pick<HttpDependencies, 'database' | 'catalogs' | 'pipeline' | 'clock'>) {
    this.#parts = parts;
    this.#preferences = new Preferences(parts);
  }

  /** @throws TidingsError `not_found` for an unknown user, and for another one than that of the token */
  async list({ tenantId, userId: own }: Principal, userId: string): Promise<ToggleView[]> {
    if (own !== undefined && own !== userId) throw unknownUser();
    const { rules, question } = await this.#preferences.load(tenantId, userId);
    const views = [...rules.notifications.values()].flatMap((type) => {
      const toggle = findToggle(type, question, tryChange);
      return toggle ? [toView(tenantId, userId, toggle)] : [];
    });
    const rows = views.map(({ id, category }) => ({ toggleId: id, notificationType: category }));
    await noteToggles(this.#parts.database.forTenant(tenantId), tenantId, userId, rows);
    return views;
  }

  /**
   * Changes a toggle, and returns it as it is then.
   * @throws TidingsError `not_found` for an id that no list had, and for a toggle of another user than that of the token;
   *   `preference_locked` if the user cannot change it; `invalid_request` for a method that it does not have
   */
  async change(principal: Principal, toggleId: string, change: ToggleChange): Promise<ToggleView> {
    const { tenantId, userId: own } = principal;
    if (!UUID.test(toggleId)) throw unknownToggle();
    const row = await findToggleRow(this.#parts.database.forTenant(tenantId), tenantId, toggleId);
    if (!row || (own !== undefined && own !== row.userId)) throw unknownToggle();
    const { userId, notificationType } = row;
    const loaded = await this.#preferences.load(tenantId, userId);
    const toggle = findOf(loaded, notificationType);
    check(toggle, change);
    const { question } = loaded;
    const { types } = await this.#preferences.read(tenantId, userId);
    const cells = types.find(({ type }) => type === notificationType)?.channels ?? {};
    const isLockedOn = (channel: Channel) => LOCKED_ON.has(cells[channel]?.decided_by.code ?? '');
    const cell = toTypeChange(toggle, change, question.terms, isLockedOn);
    await this.#preferences.change(principal, userId, { types: { [notificationType]: cell } }, false);
    return toView(tenantId, userId, findOf(await this.#preferences.load(tenantId, userId), notificationType));
  }
}

/** The last time that can be written, after everything that a user has said. */
const LATEST = Date.UTC(9999, 11, 31);

const tryChange: TryChange = (terms, type, change) =>
  mergeTerms(terms, { type: PREFERENCE_UPDATED, properties: { types: { [type]: change } }, time: LATEST });

function findOf({ rules, question }: LoadedPreferences, name: string): Toggle {
  const type = rules.notifications.get(name);
  const toggle = type && findToggle(type, question, tryChange);
  if (!toggle) throw unknownToggle();
  return toggle;
}

function check({ enabled, method, methods, locked }: Toggle, change: ToggleChange): void {
  const isSame = (change.enabled ?? enabled) === enabled && (change.method ?? method) === method;
  if (locked && !isSame) {
    const pointer = (change.enabled ?? enabled) === enabled ? '/selected_delivery_method' : '/enabled';
    throw new TidingsError('preference_locked', `The toggle cannot be changed: ${locked.text}.`, { pointer });
  }
  if (change.method === undefined || methods.includes(change.method)) return;
  throw new TidingsError('invalid_request', `The toggle has no such delivery method; write ${methods.join(' or ')}.`, {
    pointer: '/selected_delivery_method',
  });
}

function unknownToggle(): TidingsError {
  return new TidingsError(
    'not_found',
    'There is no such toggle; its id is in the list of the toggles of its customer.',
  );
}

function toView(tenantId: string, userId: string, toggle: Toggle): ToggleView {
  const { type, product, enabled, method, methods, locked } = toggle;
  return {
    id: toToggleId(tenantId, userId, type.name),
    category: type.name,
    product: product ?? EVERY_PRODUCT,
    enabled,
    selected_delivery_method: method,
    delivery_methods: methods,
    locked: locked !== undefined,
    locked_reason: locked ?? null,
  };
}

/** Always the same for a user and a type, whatever the catalog is. */
function toToggleId(tenantId: string, userId: string, type: string): string {
  return contentUuid(JSON.stringify(['toggle', tenantId, userId, type]));
}
