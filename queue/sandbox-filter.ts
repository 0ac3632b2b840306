/**
 * What no namespace shuts out, refused by a seccomp filter: sockets of families that know no network namespace, as
 * AF_VSOCK, by which a virtual machine reaches its host and itself; the keyrings of whoever started depbot; and
 * io_uring, which makes sockets past any filter.
 * Source: Documentation/userspace-api/seccomp_filter.rst; include/uapi/linux/{bpf_common,seccomp,audit}.h.
 */

/** How a machine names itself to a filter, and its numbers of system calls. */
interface Machine {
  readonly audit: number;
  readonly socket: number;
  readonly addKey: number;
  readonly requestKey: number;
  readonly keyctl: number;
}

/** include/uapi/asm-generic/unistd.h */
const GENERIC = { socket: 198, addKey: 217, requestKey: 218, keyctl: 219 };
/** By `process.arch`; all little-endian. */
const MACHINES: Readonly<Partial<Record<NodeJS.Architecture, Machine>>> = {
  x64: { audit: 0xc000003e, socket: 41, addKey: 248, requestKey: 249, keyctl: 250 },
  arm64: { audit: 0xc00000b7, ...GENERIC },
  riscv64: { audit: 0xc00000f3, ...GENERIC },
  loong64: { audit: 0xc0000102, ...GENERIC },
};
/** The same on all. */
const IO_URING_SETUP = 425;
/** Calls from here on are those of another ABI of the same machine: x32. */
const OTHER_ABI = 0x40000000;
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: each network namespace has its own. */
const FAMILIES = [1, 2, 10, 16];

const [LOAD, JUMP_EQUAL, JUMP_FROM, RETURN] = [0x20, 0x15, 0x35, 0x06];
/** In struct seccomp_data. */
const [NUMBER, AUDIT_ARCH, FIRST_ARGUMENT] = [0, 4, 16];
const [ALLOW, KILL, ERRNO] = [0x7fff0000, 0x80000000, 0x00050000];
const [ENOSYS, EAFNOSUPPORT] = [38, 97];

/** The program for bwrap's --seccomp; undefined for a machine whose numbers are not known here. */
export function filterFor(arch: NodeJS.Architecture): Uint8Array | undefined {
  const machine = MACHINES[arch];
  if (machine === undefined) return undefined;
  const { audit, socket, addKey, requestKey, keyctl } = machine;
  return program([
    [LOAD, AUDIT_ARCH],
    // programs of another machine have numbers of their own
    [JUMP_EQUAL, audit, 1, 0],
    [RETURN, KILL],
    [LOAD, NUMBER],
    [JUMP_FROM, OTHER_ABI, 0, 1],
    [RETURN, KILL],
    ...[addKey, requestKey, keyctl, IO_URING_SETUP].flatMap((call): Step[] => [
      [JUMP_EQUAL, call, 0, 1],
      [RETURN, ERRNO + ENOSYS],
    ]),
    [JUMP_EQUAL, socket, 1, 0],
    [RETURN, ALLOW],
    [LOAD, FIRST_ARGUMENT],
    ...FAMILIES.flatMap((family): Step[] => [
      [JUMP_EQUAL, family, 0, 1],
      [RETURN, ALLOW],
    ]),
    [RETURN, ERRNO + EAFNOSUPPORT],
  ]);
}

/** `yes` and `no`: steps that a jump passes over. */
type Step = readonly [code: number, k: number, yes?: number, no?: number];

/** As struct sock_filter has them. */
function program(steps: readonly Step[]): Uint8Array {
  const bytes = Buffer.alloc(steps.length * 8);
  for (const [i, [code, k, yes = 0, no = 0]] of steps.entries()) {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(yes, i * 8 + 2);
    bytes.writeUInt8(no, i * 8 + 3);
    bytes.writeUInt32LE(k, i * 8 + 4);
  }
  return bytes;
}
