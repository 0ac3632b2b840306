/** What stands outside of functions: their heads, prototypes, variables, calls of macros, exports. */

import type { Expr, ListItem } from './c-ast.ts';
import { declared } from './c-body.ts';
import type { SourceText } from './c-expr.ts';
import { exprOf, oneLine } from './c-expr.ts';
import type { CDeclaration, CExport, CFile, CFunction, CInvocation, CVariable } from './c-file.ts';
import { armAt, isInArm, regionAt } from './c-file.ts';
import { Parentheses } from './c-parentheses.ts';
import type { SyntaxNode } from './c-syntax.ts';
import { childIn } from './c-syntax.ts';

export interface Read {
  readonly parts: Pick<CFile, 'functions' | 'declarations' | 'variables' | 'invocations' | 'exports'>;
  /** Offsets at which the functions' bodies begin. */
  readonly bodies: ReadonlySet<number>;
}

/** Reads everything below the root. `regions` tells where a statement is compiled without the one around it. */
export function readDeclarations(source: SourceText, root: SyntaxNode, where: Pick<CFile, 'arms' | 'regions'>): Read {
  const functions: CFunction[] = [];
  const declarations: CDeclaration[] = [];
  const variables: CVariable[] = [];
  const bodies = new Set<number>();
  let headFrom = 0;
  const visit = (node: SyntaxNode): void => {
    if (node.type === 'function_definition') {
      const one = functionOf(source, node, headFrom, where);
      if (one) {
        functions.push(one);
        bodies.add(childIn(node, 'body')!.start);
      }
      // what recovery took for the body's end may hold more
      for (const inner of nestedFunctions(source, node)) visit(inner);
    } else if (node.type === 'declaration') {
      const [functionsDeclared, initialised] = declarationsOf(source, node);
      declarations.push(...functionsDeclared);
      variables.push(...initialised);
    } else if (CONTAINERS.has(node.type)) for (const child of node.children) visit(child);
    headFrom = node.end;
  };
  for (const node of root.children) visit(node);
  const spans = functions.map(({ line, endLine }) => [line, endLine] as const);
  return { bodies, parts: { functions, declarations, variables, ...readInvocations(source, spans) } };
}

const CONTAINERS = new Set([
  'ERROR',
  'linkage_specification',
  'declaration_list',
  'compound_statement',
  'labeled_statement',
]);

/**
 * Functions that recovery put inside another one. They begin in the first column; what does not is a loop of some
 * macro. GNU C's nested functions are not used in the kernel.
 */
function nestedFunctions(source: SourceText, node: SyntaxNode): SyntaxNode[] {
  return node.children.flatMap((child) => {
    if (child.type !== 'function_definition') return nestedFunctions(source, child);
    const line = source.code.lastIndexOf('\n', child.start) + 1;
    return /\S/.test(source.code[line] ?? '') ? [child] : nestedFunctions(source, child);
  });
}

function functionOf(
  source: SourceText,
  node: SyntaxNode,
  headFrom: number,
  where: Pick<CFile, 'arms' | 'regions'>,
): CFunction | undefined {
  const bodyNode = childIn(node, 'body');
  const declarator = childIn(node, 'declarator');
  const { name, stars, at } = declared(source, declarator);
  if (name === '' || !bodyNode || bodyNode.type !== 'compound_statement') return undefined;
  // recovery may take what is far away for the head; behind the parameters there are attributes at most
  const end = parametersOf(declarator)?.end ?? at;
  const behind = source.parsed.slice(end, bodyNode.start).split('\n');
  if (/[;{}]/.test(source.code.slice(at, bodyNode.start)) || behind.filter((line) => /\S/.test(line)).length > 1)
    return undefined;
  const head = source.code.slice(Math.min(headFrom, node.start), bodyNode.start).replace(/^[\s\S]*[;}](?=[^;}]*$)/, '');
  const word = (pattern: RegExp): true | undefined => (pattern.test(head) ? true : undefined);
  const line = source.lineAt(at);
  const endLine = source.lineAt(bodyNode.end - 1);
  const typeNode = childIn(node, 'type');
  const definer = /(?:^|\s)([A-Z][A-Z0-9_]{3,})\(\s*\w+\s*[,)]/.exec(head)?.[1];
  const isMacro = definer !== undefined && source.code.slice(node.start, node.start + 400).includes(`${definer}(`);
  const flags = {
    static: word(/\bstatic\b/),
    inline: word(/\b(?:inline|__always_inline|__inline|__inline__|__forceinline|forceinline|nokprobe_inline)\b/),
    init: word(/\b(?:__init\w*|__net_init|__meminit|__exit)\b/),
    weak: word(/\b__weak\b|\bweak\b/),
    unread: node.isBroken || isTorn(source, bodyNode, where) ? (true as const) : undefined,
    definer: isMacro ? definer : undefined,
  };
  const set = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const type = isMacro || !typeNode ? '' : oneLine(source.code.slice(typeNode.start, typeNode.end)) + stars;
  return {
    name: (SYSCALLS[definer?.replace(/\d+$/, '') ?? ''] ?? '') + name,
    line,
    endLine,
    type,
    ...set,
    params: paramsOf(source, declarator),
    body: source.statements(bodyNode),
  };
}

/** What include/linux/syscalls.h and compat.h put in front of the name. */
const SYSCALLS: Readonly<Record<string, string>> = { SYSCALL_DEFINE: 'sys_', COMPAT_SYSCALL_DEFINE: 'compat_sys_' };

/** Whether some statement is compiled without the one that it stands in. */
function isTorn(source: SourceText, node: SyntaxNode, { arms, regions }: Pick<CFile, 'arms' | 'regions'>): boolean {
  const [from, to] = [source.lineAt(node.start), source.lineAt(node.end - 1)];
  if (regionAt(regions, from) === regionAt(regions, to)) return false;
  const first = armAt(regions, from);
  const below = (one: SyntaxNode, outer: number): boolean => {
    const arm = armAt(regions, source.lineAt(one.start));
    return !isInArm(arms, arm, outer) || one.children.some((child) => below(child, arm));
  };
  return node.children.some((child) => below(child, first));
}

function paramsOf(source: SourceText, declarator: SyntaxNode | undefined): readonly string[] {
  return (parametersOf(declarator)?.children ?? []).flatMap((param) => {
    const { name } = declared(source, childIn(param, 'declarator'));
    return name === '' ? [] : [name];
  });
}

function parametersOf(declarator: SyntaxNode | undefined): SyntaxNode | undefined {
  let at = declarator;
  while (at && at.type !== 'function_declarator') at = childIn(at, 'declarator');
  return childIn(at, 'parameters');
}

function declarationsOf(
  source: SourceText,
  node: SyntaxNode,
): readonly [readonly CDeclaration[], readonly CVariable[]] {
  const typeNode = childIn(node, 'type');
  const base = typeNode ? oneLine(source.code.slice(typeNode.start, typeNode.end)) : '';
  const isStatic = node.children.some(
    ({ type, start, end }) => type === 'storage_class_specifier' && source.code.slice(start, end) === 'static',
  );
  const start = source.code.lastIndexOf('\n', node.start) + 1;
  const isWeak = /\b__weak\b|\bweak\b/.test(source.code.slice(start, node.end));
  const declarations: CDeclaration[] = [];
  const variables: CVariable[] = [];
  for (const child of node.children) {
    if (child.field !== 'declarator') continue;
    const isInitialised = child.type === 'init_declarator';
    const { name, stars, at, isFunction } = declared(source, isInitialised ? childIn(child, 'declarator') : child);
    const line = source.lineAt(at);
    if (name === '') continue;
    if (isFunction && !isInitialised) {
      declarations.push({
        name,
        line,
        type: base + stars,
        ...(isStatic && { static: true }),
        ...(isWeak && { weak: true }),
      });
    } else if (isInitialised) {
      const init = withoutConstants(exprOf(source, childIn(child, 'value')));
      if (init) variables.push({ name, line, type: base + stars, ...(isStatic && { static: true }), init });
    }
  }
  return [declarations, variables];
}

/** An initialiser with the names and calls in it only: tables of numbers say nothing. */
function withoutConstants(e: Expr): Expr | undefined {
  switch (e.k) {
    case 'name':
      return /^(?!CONFIG_)[A-Z0-9_]+$/.test(e.name) ? undefined : e;
    case 'number':
    case 'string':
      return undefined;
    case 'list': {
      const isStruct = e.items.some(({ field }) => field !== undefined);
      const items = e.items.flatMap((item): ListItem[] => {
        // a macro for several members
        if (isStruct && item.field === undefined && item.value.k === 'name') return [item];
        const value = withoutConstants(item.value);
        return value ? [{ ...item, value }] : [];
      });
      return items.length > 0 ? { k: 'list', items } : undefined;
    }
    default:
      return e;
  }
}

const EXPORT = /^EXPORT_(?:SYMBOL|STATIC_CALL|TRACEPOINT_SYMBOL|PER_CPU_SYMBOL)/;

/** Macros called at the beginning of a line, outside of functions. */
function readInvocations(
  source: SourceText,
  bodies: readonly (readonly [number, number])[],
): { readonly invocations: readonly CInvocation[]; readonly exports: readonly CExport[] } {
  const invocations: CInvocation[] = [];
  const exports: CExport[] = [];
  const parentheses = new Parentheses(source.code);
  let body = 0;
  for (const match of source.code.matchAll(/^(?:static\s+|extern\s+)?(\w+)\(/gm)) {
    const line = source.lineAt(match.index);
    while (body < bodies.length && bodies[body]![1] < line) body += 1;
    if (body < bodies.length && bodies[body]![0] <= line) continue;
    const macro = match[1]!;
    const open = match.index + match[0].length - 1;
    const close = parentheses.closing(open);
    if (close === undefined || /^\s*\{/.test(source.code.slice(close + 1, close + 200))) continue;
    const text = source.code.slice(open + 1, close);
    if (EXPORT.test(macro)) exports.push(...exportOf(macro, text, line));
    else
      invocations.push({
        macro,
        line,
        args: [...new Set(text.replace(/"[^"]*"/g, '').match(/\b[A-Za-z_]\w*/g) ?? [])],
      });
  }
  return { invocations, exports };
}

/** include/linux/export.h. The namespace is a word before Linux 6.13, a string since. */
function exportOf(macro: string, text: string, line: number): CExport[] {
  const [name = '', namespace = ''] = text.split(',').map((part) => part.trim().replaceAll('"', ''));
  if (!/^\w+$/.test(name)) return [];
  const isNamespaced = macro.includes('_NS') && /^\w+$/.test(namespace);
  const isGpl = macro.includes('GPL');
  return [{ name, line, ...(isGpl && { gpl: true }), ...(isNamespaced && { namespace }) }];
}
