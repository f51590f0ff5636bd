import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A load balancer on loopback: it gives each new connection to the next process that says it is ready. */
export interface Balancer {
  readonly url: string;
  /** Adds a process, by its URL. */
  add(url: string): void;
  /** Number of connections that each process has had. */
  readonly served: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

interface Backend {
  readonly url: string;
  readonly port: number;
  isReady: boolean;
}

const PROBE_MS = 50;

export async function startBalancer(): Promise<Balancer> {
  const backends: Backend[] = [];
  const served = new Map<string, number>();
  const sockets = new Set<Socket>();
  let turn = 0;
  let isClosed = false;

  const relay = (near: Socket, tries: number): void => {
    const ready = backends.filter(({ isReady }) => isReady);
    const backend = ready[turn++ % ready.length];
    if (!backend || tries === 0) {
      near.destroy();
      return;
    }
    const far = connect(backend.port, '127.0.0.1');
    far.once('connect', () => {
      served.set(backend.url, (served.get(backend.url) ?? 0) + 1);
      sockets.add(far);
      far.on('close', () => {
        sockets.delete(far);
        near.destroy();
      });
      near.on('close', () => far.destroy());
      near.pipe(far);
      far.pipe(near);
    });
    // It has gone: the next one takes it. After that an error is that of the connection itself.
    far.on('error', () => {
      if (sockets.has(far)) return;
      backend.isReady = false;
      relay(near, tries - 1);
    });
  };

  const probe = async (backend: Backend): Promise<void> => {
    while (!isClosed) {
      backend.isReady = await fetch(`${backend.url}/healthz/ready`, { signal: AbortSignal.timeout(1000) }).then(
        async (response) => {
          await response.arrayBuffer();
          return response.ok;
        },
        () => false,
      );
      await pause(PROBE_MS);
    }
  };

  const server = createServer({ allowHalfOpen: false }, (near) => {
    sockets.add(near);
    near.on('error', () => {});
    near.on('close', () => sockets.delete(near));
    relay(near, 5);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const probes: Promise<void>[] = [];
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    served,
    add(url) {
      const backend = { url, port: Number(new URL(url).port), isReady: true };
      backends.push(backend);
      probes.push(probe(backend));
    },
    async close() {
      isClosed = true;
      for (const socket of sockets) socket.destroy();
      server.close();
      await Promise.all(probes);
    },
  };
}
