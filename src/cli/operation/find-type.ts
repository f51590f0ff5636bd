import { type ApiClient, ApiError } from './api-client.ts';

interface CatalogAnswer {
  readonly notifications: readonly { readonly name: string }[];
}

/**
 * Returns the notification type that a short name means: `welcome` is `CLIENT_WELCOME` for a user whose trait `role` is
 * `client`. A name that no type has, or has the end of, is returned as it is.
 * @throws ApiError if several types end so, and the role of the user does not tell them apart
 */
export async function findTypeByShortName(api: ApiClient, name: string, userId: string): Promise<string> {
  const { notifications } = (await api.get('/api/v1/catalog')) as CatalogAnswer;
  const types = notifications.map((type) => type.name);
  if (types.includes(name)) return name;
  const wanted = toUpperSnake(name);
  const found = types.filter((type) => type === wanted || type.endsWith(`_${wanted}`));
  const role = found.length > 1 ? await findRole(api, userId) : undefined;
  const ofRole = role === undefined ? found : found.filter((type) => type.startsWith(`${toUpperSnake(role)}_`));
  const [type, ...others] = ofRole.length > 0 ? ofRole : found;
  if (others.length > 0) {
    throw new ApiError(`${name} may be ${found.join(' or ')}: write one of them, or give the user a trait role.`);
  }
  return type ?? name;
}

async function findRole(api: ApiClient, userId: string): Promise<string | undefined> {
  const user = (await api.get(`/api/v1/users/${encodeURIComponent(userId)}`).catch(ignoreUnknown)) as
    | { readonly traits: { readonly role?: unknown } }
    | undefined;
  return typeof user?.traits.role === 'string' ? user.traits.role : undefined;
}

/** A user who is not known has no role; whether the message can be sent is for the request to say. */
function ignoreUnknown(error: unknown): undefined {
  if (!(error instanceof ApiError && error.problem?.code === 'not_found')) throw error;
}

function toUpperSnake(text: string): string {
  return text
    .trim()
    .toUpperCase()
    .replaceAll(/[\s-]+/g, '_');
}
