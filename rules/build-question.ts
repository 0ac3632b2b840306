/**
 * What a build is to show, so that a claim about code is not only derived (rung 3). Rules ask, purely; queue/build.ts
 * answers, without the series and with it: what is claimed must show with it, and not without.
 */
import type { Arch } from './types.ts';

interface Asked {
  readonly arch: Arch;
  /** Text of the .config that olddefconfig completes. */
  readonly config: string;
  /** Path of the object, such as `drivers/foo/foo.o`. */
  readonly object: string;
  /** The function that it is about. */
  readonly name: string;
}

/** The object does not compile, and an error names the function. */
export interface ExpectsError extends Asked {
  readonly expects: 'error';
}

/** The object calls the function, and none of the objects that provide it is built where it could be reached. */
export interface ExpectsUndefined extends Asked {
  /** `either`: this, or an error. */
  readonly expects: 'undefined-reference' | 'either';
  /** Where the object goes: in vmlinux only what is built in can be reached, from a module what is in modules too. */
  readonly into: 'vmlinux' | 'module';
  /** Paths of all objects that provide it. */
  readonly providers: readonly string[];
}

/** The object has the stub of the function in it, and no call of the real one. */
export interface ExpectsStub extends Asked {
  readonly expects: 'stub-in-force';
  /** Where the stub is defined: any line of it. */
  readonly stub: { readonly path: string; readonly line: number };
}

export type BuildQuestion = ExpectsError | ExpectsUndefined | ExpectsStub;
