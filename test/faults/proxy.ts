/** A TCP proxy on 127.0.0.1 whose connections can be cut, all at once, in the middle of whatever they carry. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Passage {
  readonly port: number;
  /** Destroys all connections; how many there were. */
  cut(): number;
  close(): Promise<void>;
}

/** Starts a proxy to a port of 127.0.0.1, where a server need not be there yet, or all the time. */
export async function startProxy(to: number): Promise<Passage> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): number => {
    const count = sockets.size / 2;
    for (const socket of [...sockets]) socket.destroy();
    return Math.ceil(count);
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    async close() {
      cut();
      await new Promise((done) => server.close(done));
    },
  };
}
