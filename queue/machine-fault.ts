/**
 * Faults of the machine, which may be over when something is tried again: a full disk, no memory, git or the sandbox
 * that fail, Redis away. What is left is the same every time: a fault of depbot itself.
 */

const OF_MACHINE = new Set(['GitError', 'SandboxError', 'QueueError', 'RedisError', 'LockError', 'ReplyError']);

/**
 * By the name of the error, and by `syscall` or a code of Node or the system that speaks of resources. A command line
 * that cannot be is the same on every machine.
 */
export function isOfMachine(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, syscall, code, problem } = error as NodeJS.ErrnoException & { readonly problem?: unknown };
  if (name === 'SandboxError' && problem === 'bad-argument') return false;
  return OF_MACHINE.has(name) || syscall !== undefined || OF_RESOURCES.has(code ?? '');
}

const OF_RESOURCES = new Set(['ERR_WORKER_OUT_OF_MEMORY', 'ERR_WORKER_INIT_FAILED', 'ERR_MEMORY_ALLOCATION_FAILED']);
