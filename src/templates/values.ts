import type { Variables } from '../model/catalog.ts';
import type { Json, JsonObject } from '../model/event.ts';
import type { TenantProfile } from '../model/tenant.ts';
import { ROOTS } from './compile-path.ts';
import { ASSET_BASE_URL } from './helpers.ts';
import { checkVariables } from './variables.ts';

/** Names of the data of a digest. A type that no digest sends may declare variables with these names. */
export const DIGEST_NAMES: ReadonlySet<string> = new Set(['items', 'total']);

/** Names that no variable can have: those of the other data. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  ...ROOTS.filter((name) => !DIGEST_NAMES.has(name)),
  ...['variables', 'about', 'this', 'else'],
]);

/** The variables that a compiled template needs. */
export interface TemplateVariables {
  /** Declarations of the type, and of the catalog. */
  readonly own: Variables;
  readonly shared: Variables;
}

/** URLs for the reader of a message, as variables of its template. */
export interface ReaderLinks {
  readonly unsubscribe_url?: string;
  readonly preferences_url?: string;
  readonly confirm_url?: string;
}

/**
 * Returns the data of a template with everything that is known without the event: the tenant, its time zone for a user
 * without one, and the variables at the top level. Or the clause that says which variable is missing or wrong.
 *
 * A variable has the value that the rule or the direct send gives it, or else that of the tenant, or else its default.
 *
 * @param data as it was decided with: `variables` are those that were given
 * @param variables undefined: the template has no variables
 * @param links URLs for the reader of the message, as variables; undefined: there are no such URLs
 */
export function toTemplateValues(
  { variables: given, ...data }: JsonObject,
  variables: TemplateVariables | undefined,
  { name, settings }: TenantProfile,
  links?: ReaderLinks,
): { readonly values: JsonObject } | { readonly problem: string } {
  const { zone, branding = {}, asset_base_url: assets, variables: ofTenant } = settings;
  const user = data.user as JsonObject | undefined;
  const hasZone = zone === undefined || user?.time_zone !== undefined;
  const tenant: JsonObject = { name, branding };
  if (assets !== undefined) tenant[ASSET_BASE_URL] = assets;
  if (ofTenant !== undefined) tenant.variables = ofTenant;
  const values = { ...data, ...(hasZone ? {} : { user: { ...user, time_zone: zone } }), tenant };
  if (variables === undefined && given === undefined) return { values };
  const declared = { ...variables?.shared, ...variables?.own };
  const all: JsonObject = {
    ...toCommon(user),
    // A default says more of an application than the name of the tenant.
    ...(name === '' || declared.legal_name?.default !== undefined ? {} : { legal_name: name }),
    ...(settings.legal_name === undefined ? {} : { legal_name: settings.legal_name }),
    ...(settings.postal_address === undefined ? {} : { postal_address: settings.postal_address }),
    ...links,
    ...(name === '' || declared.app_name?.default !== undefined ? {} : { app_name: name }),
    ...withoutEmpty(ofTenant),
    ...withoutEmpty(given as JsonObject | undefined),
  };
  const checked = checkVariables({ variables: declared }, all);
  if ('problems' in checked) return { problem: checked.problems.map(({ message }) => message).join('; ') };
  // The other data win over variables of a caller that have their names.
  return { values: { ...checked.values, ...values } };
}

function toCommon(user: JsonObject = {}): JsonObject {
  const names = [user.first_name, user.last_name].filter((one) => typeof one === 'string' && one !== '');
  const userName = [user.name, user.full_name, names.length > 0 ? names.join(' ') : undefined].find(isFilled);
  const email = [user.email, user.email_address].find(isFilled);
  return {
    ...(userName === undefined ? {} : { user_name: userName }),
    ...(email === undefined ? {} : { user_email: email }),
  };
}

function isFilled(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

function withoutEmpty(variables: JsonObject | undefined): JsonObject {
  const filled = Object.entries(variables ?? {}).filter(([, value]) => value !== null);
  return Object.fromEntries(filled);
}
