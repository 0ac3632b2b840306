/**
 * `depbot doctor`: whether this machine can do the work, wall by wall and compiler by compiler, and what to install.
 * Exit status: 0 when all is well, 1 when a wall does not hold or there is no sandbox.
 */
import { compilerFor } from '../queue/compilers.ts';
import { SandboxError, setToolPath } from '../queue/sandbox.ts';
import { proveWalls } from '../queue/sandbox-proof.ts';
import type { World } from './main.ts';

/** Architectures whose compilers are asked for: those that Debian has a kernel for. */
const ARCHS = ['arm', 'arm64', 'mips', 'powerpc', 'riscv', 's390', 'x86'];

export async function runDoctor(world: World): Promise<number> {
  if (world.env['PATH']) setToolPath(world.env['PATH']);
  const say = (text: string): void => void world.stdout.write(`${text}\n`);
  let isWell = true;
  try {
    const { walls, memory } = await proveWalls(world.env['HOME']);
    for (const { name, holds, detail } of walls)
      say(`${holds ? 'ok  ' : 'FAIL'} sandbox, ${name}${holds ? '' : `: ${detail}`}`);
    say(
      memory === 'cgroup'
        ? 'ok   sandbox, memory of all processes together: a cgroup'
        : 'note sandbox, memory is bounded for each process alone: no cgroup can be had',
    );
    isWell = walls.every(({ holds }) => holds);
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    say(`FAIL sandbox: ${error.message}`);
    isWell = false;
  }
  for (const arch of ARCHS) {
    const compiler = await compilerFor(arch);
    say(
      compiler.ok ? `ok   builds for ${arch}: ${compiler.crossCompile}gcc` : `note builds for ${arch}: ${compiler.why}`,
    );
  }
  return isWell ? 0 : 1;
}
