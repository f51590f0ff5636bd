import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to the database that can be cut and mended, or go dead without a word. */
export interface Cable {
  /** Of the database, over it. */
  readonly url: string;
  /** Ends all connections; there are no new ones until it is mended. */
  cut(): void;
  mend(): Promise<void>;
  /** What is sent on the connections there are now arrives nowhere; new ones are as they should be. */
  silence(): void;
}

export async function cableTo(databaseUrl: string): Promise<Cable> {
  const target = new URL(databaseUrl);
  // Of a server that listens on a socket in the file system.
  const folder = target.searchParams.get('host');
  const open = new Set<Socket>();
  const dead = new Set<Socket>();
  let server: Server;
  let port = 0;
  const mend = async () => {
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
  await mend();
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
    mend,
    silence() {
      for (const socket of open) dead.add(socket);
    },
  };
}
