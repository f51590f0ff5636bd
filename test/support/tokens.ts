import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** An issuer of tokens, as a customer of Tidings runs one, with its JWK set on a real server of this machine. */

export interface TestIssuer {
  readonly issuer: string;
  readonly jwksUrl: string;
  /** Requests to the JWK set so far. */
  readonly requests: number;
  /** The public keys that it shows now. */
  keys: JWK[];
  /** Replaces how it responds; null: with its keys. */
  respond: RequestListener | null;
  /** Makes a key pair; its public key is shown from now on, unless `isHidden`. */
  makeKey(kid: string, alg?: string, isHidden?: boolean): Promise<TestKey>;
  close(): Promise<void>;
}

export interface TestKey {
  readonly publicKey: JWK;
  /** Signs a token. Claims replace those of a good one; undefined leaves a claim out. @param header replaces parts of the header */
  sign(claims?: { readonly [claim: string]: unknown }, header?: object): Promise<string>;
}

/** Starts an issuer. @param now current time in ms, of the server that will verify its tokens */
export async function testIssuer(now: () => number): Promise<TestIssuer> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    if (issuer.respond) issuer.respond(request, response);
    else response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: issuer.keys }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const issuer: TestIssuer = {
    issuer: `https://id.example.com/${port}`,
    jwksUrl: `${url}/jwks.json`,
    get requests() {
      return requests;
    },
    keys: [],
    respond: null,
    async makeKey(kid, alg = 'ES256', isHidden = false) {
      const pair = await generateKeyPair(alg, { extractable: true });
      const publicKey = { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' };
      if (!isHidden) issuer.keys.push(publicKey);
      return {
        publicKey,
        sign(claims = {}, header = {}) {
          const seconds = Math.floor(now() / 1000);
          const good = { iss: issuer.issuer, aud: 'app', sub: 'ann', iat: seconds, exp: seconds + 600 };
          return new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg, kid, ...header }).sign(pair.privateKey);
        },
      };
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return issuer;
}

/** Whether a URL is of a server on this machine, as those of tests are. */
export function isLoopback(url: URL): boolean {
  return url.hostname === '127.0.0.1';
}

/** Returns the header that a token is sent in. */
export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}
