import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Millis } from '../../model/event.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Part of temporary credentials only. */
  readonly sessionToken?: string | undefined;
}

export interface AwsRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly body?: string;
}

/**
 * Returns the headers of a request to AWS with its signature (Signature Version 4), but without `host`, which the client writes.
 * Signed here, and sent by our own client: that makes one request, knows whether it was handed over, and connects to public
 * addresses only, none of which can be said of the SDK.
 */
export async function signAwsRequest(
  { method, url, headers, body }: AwsRequest,
  {
    service,
    region,
    credentials,
    now,
  }: { readonly service: string; readonly region: string; readonly credentials: AwsCredentials; readonly now: Millis },
): Promise<{ [name: string]: string }> {
  const { protocol, hostname, host, port, pathname, searchParams } = new URL(url);
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new SignatureV4({
    service,
    region,
    sha256: Sha256,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  });
  const request = {
    method,
    protocol,
    hostname,
    ...(port === '' ? {} : { port: Number(port) }),
    path: pathname,
    query: Object.fromEntries(searchParams),
    headers: { ...headers, host },
    ...(body === undefined ? {} : { body }),
  };
  const signed = await signer.sign(request, { signingDate: new Date(now) });
  const { host: _, ...rest } = signed.headers;
  return rest;
}
