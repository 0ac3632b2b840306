/** A TCP proxy on 127.0.0.1 whose connections are cut in the middle of whatever they carry: at a word, or by themselves. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Passage {
  readonly port: number;
  /** Destroys all connections; how many there were. */
  cut(): number;
  close(): Promise<void>;
}

/**
 * Starts a proxy to a port of 127.0.0.1, where a server need not be there yet, or all the time. `most` gives for each
 * connection how many bytes of the server get through before it is cut; all, where it gives none.
 */
export async function startProxy(to: number, most: () => number | undefined = () => undefined): Promise<Passage> {
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
    }
    near.pipe(far);
    let left = most() ?? Number.POSITIVE_INFINITY;
    far.on('data', (bytes: Buffer) => {
      near.write(bytes.subarray(0, left));
      left -= bytes.length;
      if (left <= 0) near.end(() => near.destroy());
    });
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
