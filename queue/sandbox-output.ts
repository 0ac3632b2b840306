/**
 * What a sandboxed command prints: the start is kept, and one that prints without end is stopped.
 */
import type { Readable, Writable } from 'node:stream';

/** An output of more than this many times what is kept of it is a flood. */
const FLOOD = 64;

interface Collected {
  /** Bytes thrown away. */
  readonly cut: number;
  bytes(): Buffer;
  text(): string;
}

/** Keeps the first `keepBytes` of a stream and calls `flood` when it does not end; or hands all over as it comes. */
export function collect(
  stream: Readable | Writable | null | undefined,
  keepBytes: number,
  flood: () => void,
  handOver?: (chunk: Buffer) => void,
): Collected {
  const chunks: Buffer[] = [];
  let [kept, cut] = [0, 0];
  const keep = (chunk: Buffer): void => {
    const part = chunk.subarray(0, keepBytes - kept);
    if (part.length > 0) chunks.push(part);
    kept += part.length;
    cut += chunk.length - part.length;
    if (cut > keepBytes * FLOOD) flood();
  };
  stream?.on('data', handOver ?? keep);
  return {
    get cut() {
      return cut;
    },
    bytes: () => Buffer.concat(chunks),
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}
