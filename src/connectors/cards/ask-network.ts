import { parsePath, readPath } from '../../events/envelopes/path.ts';
import type { CardNetwork, CardRegistration } from '../../model/connector.ts';
import type { JsonObject } from '../../model/event.ts';
import type { Secrets } from '../../store/connectors/secrets.ts';
import type { Attempt } from '../attempt.ts';
import { CallFailure } from '../call-failure.ts';
import { callService, fillPath, requireSecret, toAuthHeaders } from '../call-service.ts';
import type { ConnectorParts } from '../parts.ts';
import { encryptNumber, readCertificate } from './encrypt-number.ts';
import { withCardNumber } from './number-lookup.ts';

/** An answer, and the token by which the card was named in the request. */
export interface NetworkAnswer {
  readonly answer: JsonObject;
  readonly token: string;
}

/** Characters of a card reference, at most. */
const MAX_REFERENCE_CHARS = 256;

/** Asks the card API to register a product: it makes all further hops. @throws CallFailure */
export async function askUpstream(
  { client, clock }: ConnectorParts,
  { secrets, signal }: Attempt,
  { url, path, auth, timeout }: CardRegistration,
  productId: string,
): Promise<NetworkAnswer> {
  const answer = await callService(client, {
    url: url + path,
    headers: await toAuthHeaders(auth, secrets, clock()),
    body: { registrationTokenList: [productId] },
    ...{ timeout, signal },
  });
  return { answer, token: productId };
}

/** Registers a product with the card network, hop by hop. @throws CallFailure */
export async function askNetwork(
  parts: ConnectorParts,
  attempt: Attempt,
  connector: CardRegistration,
  network: CardNetwork,
  productId: string,
): Promise<NetworkAnswer> {
  const { client, clock, references } = parts;
  const { task, secrets, signal } = attempt;
  const { timeout, auth } = connector;
  const headers = await toAuthHeaders(auth, secrets, clock());
  const { accounts, gateway, numbers } = network;
  const reference = await references.find(
    `${task.tenantId} ${connector.name} ${productId}`,
    accounts.cache,
    async () => {
      const url = fillPath(accounts.url, accounts.path, { product_id: productId });
      return readReference(await callService(client, { url, headers, timeout, signal }), accounts.reference);
    },
  );
  if (gateway) {
    const body = { registrationTokenList: [reference] };
    const answer = await callService(client, { url: gateway.url + gateway.path, headers, body, timeout, signal });
    return { answer, token: reference };
  }
  const key = readCertificate(requireSecret(secrets, 'certificate'));
  const credentials = toCredentials(secrets);
  const url = fillPath(numbers?.url ?? '', numbers?.path ?? '', { reference });
  const token = await withCardNumber(client, { url, headers, timeout, signal }, numbers?.field ?? '', (digits) =>
    encryptNumber(digits, key, network.padding),
  );
  const answer = await callService(client, {
    url: connector.url + connector.path,
    headers: credentials.headers,
    body: {
      registrationTokenList: [token],
      isEncrypted: true,
      ...credentials.tokens,
      inLineProvisioning: true,
      language: network.language,
    },
    ...{ timeout, signal },
  });
  return { answer, token };
}

/** Returns what the network knows its caller by. @throws CallFailure `secret_missing` */
export function toCredentials(secrets: Secrets): {
  readonly headers: { readonly userName: string; readonly password: string };
  readonly tokens: { readonly appToken: string; readonly fiToken: string };
} {
  return {
    headers: { userName: requireSecret(secrets, 'user_name'), password: requireSecret(secrets, 'password') },
    tokens: { appToken: requireSecret(secrets, 'app_token'), fiToken: requireSecret(secrets, 'fi_token') },
  };
}

function readReference(account: JsonObject, path: string): string {
  const parsed = parsePath(path);
  const found = 'steps' in parsed ? readPath(account, parsed.steps) : undefined;
  if (typeof found === 'string' && found !== '' && found.length <= MAX_REFERENCE_CHARS) return found;
  throw new CallFailure('card_unknown', 'The account of the product has no card reference.');
}
