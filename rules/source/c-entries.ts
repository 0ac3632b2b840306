/**
 * Functions whose address leaves a file: in ops tables, in macros such as module_init() and EXPORT_SYMBOL(),
 * as arguments, by assignment. Whoever is handed a function may call it; `when` is when it is handed out.
 */

import type { Expr, Stmt } from './c-ast.ts';
import { exprsOf, listsOf, partsOf } from './c-ast.ts';
import type { Condition } from './c-condition.ts';
import type { CFile } from './c-file.ts';
import { whenAt } from './c-file.ts';

export interface Entry {
  readonly name: string;
  readonly line: number;
  readonly when: Condition;
  /**
   * `table`: a member of an initialiser. `assigned`: to a member or variable. `argument`: of a call. `macro`:
   * named in a call of a macro outside of functions, in whole or put together (`DEVICE_ATTR_RW(x)`: x_show).
   * `export`: EXPORT_SYMBOL*.
   */
  readonly how: 'table' | 'assigned' | 'argument' | 'macro' | 'export';
  /** The member (`mmap`), the function it is handed to, or the macro. */
  readonly to?: string;
  /** Variable or function where that happens. */
  readonly in?: string;
  /** The table's type, e.g. `const struct vfio_device_ops`. */
  readonly type?: string;
}

/** Entries of a file; `isWanted` says which names are functions, those that the file defines by itself. */
export function entriesOf(file: CFile, isWanted = definedIn(file)): readonly Entry[] {
  const entries: Entry[] = [];
  const put = (name: string, line: number, rest: Omit<Entry, 'name' | 'line' | 'when'>): void => {
    if (isWanted(name)) entries.push({ name, line, when: whenAt(file, line), ...rest });
  };
  for (const { name: variable, line, type, init } of file.variables) {
    inTable(init, line, undefined, (name, at, field) =>
      put(name, at, { how: 'table', ...(field && { to: field }), in: variable, type }),
    );
  }
  for (const { name, line } of file.exports) put(name, line, { how: 'export' });
  const pasted = pastedNames(file);
  for (const { macro, line, args } of file.invocations) {
    for (const name of args) put(name, line, { how: 'macro', to: macro });
    for (const name of args.flatMap((arg) => pasted.get(arg) ?? [])) put(name, line, { how: 'macro', to: macro });
  }
  for (const one of file.functions) {
    const found = (name: string, line: number, how: Entry['how'], to?: string): void =>
      put(name, line, { how, ...(to && { to }), in: one.name });
    inStatements([...one.body, ...(one.otherBody ?? [])], found);
  }
  return entries.sort((a, b) => a.line - b.line);
}

function definedIn(file: CFile): (name: string) => boolean {
  const names = new Set(file.functions.map(({ name }) => name));
  return (name) => names.has(name);
}

/** Functions whose names a macro can put together from an argument, by that: `x_show` of DEVICE_ATTR_RO(x). */
function pastedNames(file: CFile): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const { name } of file.functions) {
    const base = PASTED.exec(name)?.[1];
    const known = base === undefined ? undefined : names.get(base);
    if (known) known.push(name);
    else if (base !== undefined) names.set(base, [name]);
  }
  return names;
}

/** Of include/linux/device.h, seq_file.h, proc_fs.h, debugfs.h, pm.h, kobject.h, stringified. */
const PASTED = /^(.+)_(?:show|store|open|read|write|release|fops|get|set|init|exit|suspend|resume|probe|remove)$/;

function inTable(
  e: Expr,
  line: number,
  field: string | undefined,
  found: (name: string, line: number, field: string | undefined) => void,
): void {
  if (e.k === 'name') found(e.name, line, field);
  else if (e.k === 'list') for (const item of e.items) inTable(item.value, item.line, item.field ?? field, found);
  else if (e.k === 'call') for (const arg of e.args) inTable(arg, line, field, found);
  else for (const part of partsOf(e)) inTable(part, line, field, found);
}

type Found = (name: string, line: number, how: Entry['how'], to?: string) => void;

function inStatements(body: readonly Stmt[], found: Found): void {
  for (const s of body) {
    if (s.k === 'decl' && s.init) {
      if (s.init.k === 'list')
        inTable(s.init, s.line, undefined, (name, line, field) => found(name, line, 'table', field));
      else if (nameIn(s.init)) found(nameIn(s.init)!, s.line, 'assigned', s.name);
    }
    for (const e of exprsOf(s)) inExpr(e, found);
    for (const list of listsOf(s)) inStatements(list, found);
  }
}

function inExpr(e: Expr, found: Found): void {
  if (e.k === 'call') {
    const callee = e.callee.k === 'name' ? e.callee.name : e.callee.k === 'member' ? e.callee.field : undefined;
    for (const arg of e.args) if (nameIn(arg)) found(nameIn(arg)!, e.line, 'argument', callee);
  } else if (e.k === 'assign' && e.op === '=' && e.from && nameIn(e.from)) {
    found(
      nameIn(e.from)!,
      e.line,
      'assigned',
      e.to.k === 'member' ? e.to.field : e.to.k === 'name' ? e.to.name : undefined,
    );
  } else if (e.k === 'statements') inStatements(e.body, found);
  for (const part of partsOf(e)) inExpr(part, found);
}

/** `f`, `&f`, `(type)f`. */
function nameIn(e: Expr): string | undefined {
  if (e.k === 'name') return e.name;
  return e.k === 'cast' || (e.k === 'unary' && e.op === '&') ? nameIn(e.of) : undefined;
}
