import type { IncomingHttpHeaders } from 'node:http';

/**
 * Returns the names of the headers by which a request shows another URL than the public one; empty: none does. Not their values: a
 * caller would learn the names of machines behind a proxy.
 */
export function listDisagreeing(headers: IncomingHttpHeaders, publicUrl: URL): string[] {
  const { protocol, host, port } = publicUrl;
  // A proxy that changes the host may say which it was.
  const hostName = headers['x-forwarded-host'] === undefined ? 'host' : 'x-forwarded-host';
  const shown = `${protocol}//${readFirst(headers[hostName])}`;
  const [forwardedProtocol, forwardedPort] = [headers['x-forwarded-proto'], headers['x-forwarded-port']];
  const usual = port || (protocol === 'https:' ? '443' : '80');
  return [
    ...(URL.canParse(shown) && new URL(shown).host === host ? [] : [hostName]),
    ...(forwardedProtocol === undefined || `${readFirst(forwardedProtocol).toLowerCase()}:` === protocol
      ? []
      : ['x-forwarded-proto']),
    ...(forwardedPort === undefined || readFirst(forwardedPort) === usual ? [] : ['x-forwarded-port']),
  ];
}

/** Returns the first of several values: the outermost proxy knows which URL was asked for. */
function readFirst(value: string | string[] | undefined): string {
  return ([value].flat()[0] ?? '').split(',')[0]?.trim() ?? '';
}
