/**
 * What a C file uses although all that declares it stands under a condition: functions and macros it calls, members
 * of structures, and structures that it needs whole. Where the condition fails the file does not compile, whether
 * the code is ever reached or not.
 */

import type { Arch, Tree } from '../types.ts';
import type { Condition } from './c-condition.ts';
import { all, any, conditionText, isConfigured } from './c-condition.ts';
import { lineAt, lineStarts, whenAt } from './c-file.ts';
import { preprocess } from './c-preprocess.ts';
import type { HeaderReach, Reached } from './header-reach.ts';
import { closing, headOf, type StructBody, withoutStrings } from './header-words.ts';
import { PastedNames } from './pasted-names.ts';

/** One use of something that is declared under a condition. */
export interface ConditionalUse {
  /** `header`: one that only other architectures have; `foreign`: a name that only headers of others declare. */
  readonly kind: 'function' | 'macro' | 'struct' | 'member' | 'header' | 'foreign';
  readonly name: string;
  /** The structure that a member is of. */
  readonly of?: string;
  readonly line: number;
  /** When the line is compiled, if the file is. */
  readonly when: Condition;
  /** When anything declares it. */
  readonly declared: Condition;
  /** A line that declares it. */
  readonly at: { readonly path: string; readonly line: number };
}

/** Words that look like calls. */
const KEYWORDS = new Set(
  'if while for switch return sizeof typeof __typeof__ do defined alignof offsetof __attribute__ asm'.split(' '),
);
/** Variables that every architecture has (asm/current.h). */
const EVERYWHERE = new Map<string, string | undefined>([['current', 'task_struct']]);
/** Undefined where the tree has no such file, or what it includes is not known. */
export async function conditionalUses(
  tree: Tree,
  path: string,
  reach: HeaderReach,
  arch?: Arch,
): Promise<readonly ConditionalUse[] | undefined> {
  const text = (await tree.read([path])).get(path);
  const reached = text === undefined ? undefined : await reach.of(path, arch);
  return text === undefined || !reached ? undefined : new Reading(path, text, reached).uses();
}

class Reading {
  readonly #path: string;
  readonly #reached: readonly Reached[];
  readonly #code: string;
  readonly #lines: readonly string[];
  readonly #starts: readonly number[];
  readonly #when: (line: number) => Condition;
  readonly #isLeft: (line: number) => boolean;
  readonly #structs = new Map<string, readonly (StructBody & { readonly path: string })[]>();
  readonly #uses = new Map<string, ConditionalUse>();

  constructor(path: string, text: string, reached: readonly Reached[]) {
    const read = preprocess(text);
    this.#path = path;
    this.#reached = reached;
    this.#code = withoutStrings(read.code);
    this.#lines = this.#code.split('\n');
    this.#starts = lineStarts(this.#code);
    this.#when = (line) => whenAt(read, line);
    this.#isLeft = (line) => read.left.some(([from, to]) => line > from && line <= to);
  }

  uses(): readonly ConditionalUse[] {
    this.#names();
    this.#wholeStructs();
    this.#members();
    return [...this.#uses.values()].filter(({ declared }) => isConfigured(declared));
  }

  #put(use: Omit<ConditionalUse, 'when'>): void {
    const when = this.#when(use.line);
    if (when === false || this.#isLeft(use.line)) return;
    const key = `${use.kind} ${use.of ?? ''} ${use.name} ${conditionText(when)}`;
    if (!this.#uses.has(key)) this.#uses.set(key, { ...use, when });
  }

  /** Functions that are called, and macros. */
  #names(): void {
    const found = new Map<string, number>();
    const own = new Set<string>();
    for (const [i, line] of this.#lines.entries()) {
      for (const name of headOf(line, this.#lines[i - 1] ?? '')) own.add(name);
      for (const [, name] of line.matchAll(/\(\s*\*\s*(\w+)\s*\)\s*\(/g)) own.add(name!);
      for (const [, name] of line.matchAll(/(?<![.\w]|->\s*)([A-Za-z_]\w*)\s*\(/g))
        if (!KEYWORDS.has(name!)) add(found, name!, i + 1);
      for (const [name] of line.matchAll(/(?<![.\w]|->\s*)[A-Z][A-Z0-9_]{3,}\b(?!\s*\()/g)) add(found, name, i + 1);
    }
    for (const { words, path } of this.#reached) {
      if (path === this.#path) for (const name of words.declares.keys()) found.delete(name);
      if (found.size === 0) return;
      for (const name of found.keys())
        if (words.always.has(name) && path !== this.#path) this.#always(found, name, path);
    }
    for (const name of [...own, ...otherVariables(this.#code)]) found.delete(name);
    // one of its numbers may have any name
    if (this.#reached.some(({ words }) => words.isTable))
      for (const name of found.keys()) if (/^[A-Z0-9_]+$/.test(name)) found.delete(name);
    let pasted: PastedNames | undefined;
    for (const [name, line] of found) {
      const at = this.#declaredAt(name);
      if (!at || (at.kind === 'function' && !this.#isCalled(name))) continue;
      pasted ??= new PastedNames(this.#reached.map(({ words }) => words));
      if (pasted.mayMake(name)) continue;
      this.#put({ kind: at.kind, name, line, declared: this.#declared(name), at });
    }
  }

  /** Drops a name that a header says which is included in any case. */
  #always(found: Map<string, number>, name: string, path: string): void {
    if (this.#reached.some((one) => one.path === path && one.when === true)) found.delete(name);
  }

  #isCalled(name: string): boolean {
    return new RegExp(`\\b${name}\\s*\\(`).test(this.#code);
  }

  #declaredAt(name: string): { path: string; line: number; kind: 'function' | 'macro' } | undefined {
    for (const { path, words } of this.#reached) {
      const declared = path === this.#path ? undefined : words.declares.get(name);
      if (declared) return { path, ...declared };
    }
    return undefined;
  }

  #declared(name: string): Condition {
    return any(
      ...this.#reached.map(({ path, when, words }): Condition => {
        if (path === this.#path) return false;
        if (words.always.has(name)) return when;
        const own = words.sometimes.get(name);
        return own === undefined ? false : all(when, own);
      }),
    );
  }

  /** Structures of which a variable or member is made. */
  #wholeStructs(): void {
    for (const [i, line] of this.#lines.entries()) {
      if (/\bextern\b/.test(line)) continue;
      for (const [, tag] of line.matchAll(
        /\bstruct\s+(\w+)\s+(?:__\w+\s+)*\w+\s*(?:\[[^\]]*\]\s*)*(?:=\s*\{|=\s*$|;)/g,
      ))
        this.#needs(tag!, i + 1);
    }
  }

  #needs(tag: string, line: number): void {
    const bodies = this.#bodies(tag);
    if (bodies.length === 0 || bodies.some(({ when }) => when === true)) return;
    const [first] = bodies;
    const at = { path: first!.path, line: first!.line };
    this.#put({ kind: 'struct', name: tag, line, declared: any(...bodies.map(({ when }) => when)), at });
  }

  #bodies(tag: string): readonly (StructBody & { readonly path: string })[] {
    const known = this.#structs.get(tag);
    if (known) return known;
    const found = this.#reached.flatMap(({ path, when, words }) =>
      (words.structs.get(tag) ?? []).map((body) => ({ ...body, path, when: all(when, body.when) })),
    );
    this.#structs.set(tag, found);
    return found;
  }

  /** Members reached from variables whose structure is known, and those of initialisers. */
  #members(): void {
    const file = variablesIn(this.#code.replace(/^\{[\s\S]*?^\}/gm, (body) => body.replace(/[^\n]/g, ' ')));
    for (const { from, to } of this.#functions()) {
      const text = this.#code.slice(from, to);
      const local = variablesIn(text);
      const chains = /(?<![.\w]|->\s*)([A-Za-z_]\w*)((?:\s*(?:\[[^\][]*\])?\s*(?:->|\.)\s*[A-Za-z_]\w*)+)/g;
      for (const match of text.matchAll(chains)) {
        const tag = [local, file, EVERYWHERE].find((some) => some.has(match[1]!))?.get(match[1]!);
        if (tag === undefined) continue;
        this.#follow(tag, match[2]!, from + match.index + match[1]!.length);
      }
    }
    for (const match of this.#code.matchAll(/\bstruct\s+(\w+)\s+(?:__\w+\s+)*\w+\s*=\s*\{/g)) {
      const open = match.index + match[0].length;
      const body = this.#code.slice(open, closing(this.#code, open) ?? open);
      for (const field of fieldsOf(body)) this.#member(match[1]!, field.name, lineAt(this.#starts, open + field.at));
    }
  }

  /** Heads and bodies of functions, which the kernel ends with a brace in the first column. */
  #functions(): { from: number; to: number }[] {
    return [...this.#code.matchAll(/^[A-Za-z_](?:[^;{}]*)\)\s*\n\{[\s\S]*?^\}/gm)].map((match) => ({
      from: match.index,
      to: match.index + match[0].length,
    }));
  }

  #follow(tag: string, chain: string, offset: number): void {
    let of: string | undefined = tag;
    for (const match of chain.matchAll(/(?:->|\.)\s*([A-Za-z_]\w*)/g)) {
      if (of === undefined) return;
      of = this.#member(of, match[1]!, lineAt(this.#starts, offset + match.index));
    }
  }

  /** Notes a use of a member; the structure that it leads to. */
  #member(tag: string, name: string, line: number): string | undefined {
    const bodies = this.#bodies(tag);
    if (bodies.length === 0) return undefined;
    const found = bodies.map(({ members, when, path }) => {
      const member = members?.().get(name);
      return { path, isRead: members !== undefined, member, when: all(when, member?.when ?? false) };
    });
    const first = found.find(({ member }) => member !== undefined);
    if (!first || found.some(({ isRead }) => !isRead)) return undefined;
    const declared = any(...found.map(({ when }) => when));
    const whole = any(...bodies.map(({ when }) => when));
    if (declared !== true && whole === true)
      this.#put({ kind: 'member', name, of: tag, line, declared, at: { path: first.path, line: first.member!.line } });
    else if (whole !== true) this.#needs(tag, line);
    return first.member!.tag;
  }
}

function add(found: Map<string, number>, name: string, line: number): void {
  if (!found.has(name)) found.set(name, line);
}

/** Variables and parameters that are structures or point to them, by name; undefined for a name with two meanings. */
function variablesIn(text: string): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  const declares =
    /\bstruct\s+(\w+)((?:\s*,?\s*(?:\*|const\b|__\w+\b|\s)*\b(?!struct\b)\w+\s*(?:\[[^\]]*\]\s*)*(?==|;|,|\)))+)/g;
  for (const [, tag, names] of text.matchAll(declares)) {
    for (const name of names!.replace(/\[[^\]]*\]|\bconst\b|\b__\w+\b/g, '').match(/\w+/g) ?? [])
      found.set(name, found.has(name) && found.get(name) !== tag ? undefined : tag);
  }
  // one that hides it, somewhere
  for (const name of otherVariables(text)) found.set(name, undefined);
  return found;
}

/** Names of what may be variables of other types: of typedefs, numbers, typeof(), unions. */
export function otherVariables(text: string): Set<string> {
  const found = new Set<string>();
  const declares =
    /(?<!\w|\bstruct\s+)(?:typeof\s*\((?:[^()]|\([^()]*\))*\)|(?!(?:return|goto|else|case|do|in|sizeof|struct|const|static|volatile|register|extern|inline|__\w+)\b)[A-Za-z_]\w*)\s+((?:,?\s*(?:\*|const\b|__\w+\b|\s)*[A-Za-z_]\w*\s*(?:\[[^\]]*\]\s*)*(?==|;|,|\)))+)/g;
  for (const [, names] of text.matchAll(declares))
    for (const name of names!.replace(/\[[^\]]*\]|\bconst\b|\b__\w+\b/g, '').match(/\w+/g) ?? []) found.add(name);
  return found;
}

/** Members named at the outermost level of an initialiser. */
function fieldsOf(body: string): { name: string; at: number }[] {
  const fields: { name: string; at: number }[] = [];
  let depth = 0;
  for (let i = 0; i < body.length; i++) {
    const c = body[i]!;
    if ('{(['.includes(c)) depth += 1;
    else if ('})]'.includes(c)) depth -= 1;
    else if (c === '.' && depth === 0) {
      const name = /^\.(\w+)\s*[=.[]/.exec(body.slice(i, i + 80))?.[1];
      if (name !== undefined && /(?:^|[,\s])$/.test(body.slice(0, i))) fields.push({ name, at: i });
    }
  }
  return fields;
}
