import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A proxy to the database whose connections can be cut and restored, or stop responding. */
export interface Cable {
  /** The URL of the database through the proxy. */
  readonly url: string;
  /** Ends all connections; there are no new ones until `restore`. */
  cut(): void;
  restore(): Promise<void>;
  /** Drops all data on the present connections without closing them; new connections work. */
  silence(): void;
}

export async function cableTo(databaseUrl: string): Promise<Cable> {
  const target = new URL(databaseUrl);
  // Set if the server listens on a socket in the file system.
  const folder = target.searchParams.get('host');
  const open = new Set<Socket>();
  const dead = new Set<Socket>();
  let server: Server;
  let port = 0;
  const restore = async () => {
    server = createServer((near) => {
      const far = folder ? connect(`${folder}/.s.PGSQL.${target.port}`) : connect(Number(target.port), target.hostname);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        open.add(one);
        one.on('error', () => {});
        one.on('close', () => other.destroy());
        one.on('data', (bytes) => {
          if (!dead.has(one)) other.write(bytes);
        });
      }
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as { port: number }).port;
  };
  await restore();
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.searchParams.delete('host');
  url.port = String(port);
  return {
    url: url.href,
    cut() {
      server.close();
      for (const socket of open) socket.destroy();
      open.clear();
    },
    restore,
    silence() {
      for (const socket of open) dead.add(socket);
    },
  };
}
