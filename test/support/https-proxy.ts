import { once } from 'node:events';
import { request as sendHttp } from 'node:http';
import { createServer, request as sendHttps } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

/** A reverse proxy in which TLS ends, as the documentation asks for, with a certificate for tests. */
export interface HttpsProxy {
  readonly url: string;
  /** Port of the server behind it, on 127.0.0.1. */
  target: number;
  /** Whether it passes its own address on as the host, as some proxies do, instead of the one that the browser sent. */
  rewritesHost: boolean;
  /** Sends a request to the proxy, without a look at its certificate. */
  send(method: string, url: string, headers?: Record<string, string>, body?: string): Promise<ProxyAnswer>;
  close(): Promise<void>;
}

export interface ProxyAnswer {
  readonly status: number;
  readonly location: string | undefined;
  readonly setCookies: readonly string[];
  readonly text: string;
}

type Certificate = () => { readonly key: string; readonly cert: string };

export async function startHttpsProxy(): Promise<HttpsProxy> {
  // The one that the mail server of the tests has.
  const { key, cert } = (createRequire(import.meta.url)('smtp-server/lib/tls-options.js') as Certificate)();
  const server = createServer({ key, cert }, (request, response) => {
    const { 'x-forwarded-for': before, ...others } = request.headers;
    const headers = {
      ...others,
      'x-forwarded-for': [before, request.socket.remoteAddress].filter(Boolean).join(', '),
      'x-forwarded-proto': 'https',
      ...(proxy.rewritesHost && { host: `127.0.0.1:${proxy.target}` }),
    };
    const { method, url: path } = request;
    const passed = sendHttp({ host: '127.0.0.1', port: proxy.target, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.writeHead(502).end());
    request.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy: HttpsProxy = {
    url,
    target: 0,
    rewritesHost: false,
    send: (method, target, headers = {}, body) =>
      new Promise((resolve, reject) => {
        const send = target.startsWith('https:') ? sendHttps : sendHttp;
        const sent = send(target, { method, headers, rejectUnauthorized: false, agent: false }, (answer) => {
          let text = '';
          answer.on('data', (chunk) => (text += chunk));
          answer.on('end', () => {
            const { location, 'set-cookie': setCookies = [] } = answer.headers;
            resolve({ status: answer.statusCode ?? 0, location, setCookies, text });
          });
        });
        sent.on('error', reject).end(body);
      }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
