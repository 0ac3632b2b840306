/** From a function's body in the grammar to statements (c-ast.ts). */

import type { Expr, Stmt } from './c-ast.ts';
import type { SourceText } from './c-expr.ts';
import { exprOf, oneLine, partsOfUnknown } from './c-expr.ts';
import type { SyntaxNode } from './c-syntax.ts';
import { childIn } from './c-syntax.ts';

/** Statements of a body or of any other compound statement. */
export function statementsOf(source: SourceText, node: SyntaxNode): Stmt[] {
  return node.children.flatMap((child) => statementOf(source, child));
}

/** One statement of C is several of ours where it declares several names or carries a label. */
export function statementOf(source: SourceText, node: SyntaxNode): Stmt[] {
  const line = source.lineAt(node.start);
  const only = (): Expr | undefined => {
    const value = node.children.find(({ type }) => type !== 'comment');
    return value && exprOf(source, value);
  };
  const text = (field: string): string => {
    const child = childIn(node, field);
    return child ? source.code.slice(child.start, child.end) : '';
  };
  const list = (child: SyntaxNode | undefined): readonly Stmt[] => listOf(source, child);
  switch (node.type) {
    case 'comment':
      return [];
    case 'expression_statement': {
      const expr = only();
      return expr ? [{ k: 'expr', line, expr }] : [];
    }
    case 'declaration':
      return declarationOf(source, node, line);
    case 'compound_statement':
      return [{ k: 'block', line, body: source.statements(node) }];
    case 'if_statement': {
      const test = exprOf(source, childIn(node, 'condition'));
      const yes = list(childIn(node, 'consequence'));
      const otherwise = childIn(node, 'alternative');
      return [otherwise ? { k: 'if', line, test, yes, no: list(otherwise) } : { k: 'if', line, test, yes }];
    }
    case 'else_clause':
      return node.children.flatMap((child) => list(child));
    case 'while_statement':
      return [whileOf(source, node, line)];
    case 'do_statement': {
      const test = exprOf(source, childIn(node, 'condition'));
      return [{ k: 'loop', line, test, head: [], body: list(childIn(node, 'body')), once: true }];
    }
    case 'for_statement':
      return [forOf(source, node, line)];
    case 'switch_statement':
      return [{ k: 'switch', line, on: exprOf(source, childIn(node, 'condition')), body: list(childIn(node, 'body')) }];
    case 'case_statement': {
      const value = childIn(node, 'value');
      const rest = node.children.filter((child) => child !== value);
      const label: Stmt = value ? { k: 'case', line, value: exprOf(source, value) } : { k: 'case', line };
      return [label, ...rest.flatMap((child) => statementOf(source, child))];
    }
    case 'labeled_statement': {
      const label = childIn(node, 'label');
      const rest = node.children.filter((child) => child !== label);
      return [{ k: 'label', line, name: text('label') }, ...rest.flatMap((child) => statementOf(source, child))];
    }
    case 'return_statement': {
      const value = only();
      return [value ? { k: 'return', line, value } : { k: 'return', line }];
    }
    case 'goto_statement':
      return [{ k: 'goto', line, label: text('label') }];
    case 'break_statement':
      return [{ k: 'break', line }];
    case 'continue_statement':
      return [{ k: 'continue', line }];
    default:
      return [
        {
          k: 'other',
          line,
          text: oneLine(source.code.slice(node.start, node.end)),
          parts: partsOfUnknown(source, node),
        },
      ];
  }
}

/** A branch or body: its statements, without the braces. */
function listOf(source: SourceText, node: SyntaxNode | undefined): readonly Stmt[] {
  if (!node) return [];
  return node.type === 'compound_statement' ? source.statements(node) : statementOf(source, node);
}

/** A loop of a macro was put to the parser as `while` (c-mask.ts). */
function whileOf(source: SourceText, node: SyntaxNode, line: number): Stmt {
  const condition = childIn(node, 'condition');
  const body = listOf(source, childIn(node, 'body'));
  const each = /^\w+/.exec(source.code.slice(node.start, node.end))?.[0] ?? 'while';
  if (each === 'while') return { k: 'loop', line, test: exprOf(source, condition), head: [], body };
  const head = commaParts(exprOf(source, condition)).map((expr): Stmt => ({ k: 'expr', line, expr }));
  // include/linux/cleanup.h: takes a lock, runs the statement once, releases it
  return each === 'scoped_guard'
    ? { k: 'block', line, body: [...head, ...body] }
    : { k: 'loop', line, each, head, body };
}

function commaParts(e: Expr): Expr[] {
  return e.k === 'binary' && e.op === ',' ? [...commaParts(e.left), ...commaParts(e.right)] : [e];
}

function forOf(source: SourceText, node: SyntaxNode, line: number): Stmt {
  const head = ['initializer', 'update'].flatMap((field): Stmt[] => {
    const child = childIn(node, field);
    if (!child) return [];
    return child.type === 'declaration'
      ? declarationOf(source, child, line)
      : [{ k: 'expr', line, expr: exprOf(source, child) }];
  });
  const test = childIn(node, 'condition');
  const body = listOf(source, childIn(node, 'body'));
  return test ? { k: 'loop', line, test: exprOf(source, test), head, body } : { k: 'loop', line, head, body };
}

function declarationOf(source: SourceText, node: SyntaxNode, line: number): Stmt[] {
  const typeNode = childIn(node, 'type');
  const base = typeNode ? oneLine(source.code.slice(typeNode.start, typeNode.end)) : '';
  const isStatic = node.children.some(
    ({ type, start, end }) => type === 'storage_class_specifier' && source.code.slice(start, end) === 'static',
  );
  const storage = isStatic ? { static: true as const } : {};
  return node.children
    .filter(({ field }) => field === 'declarator')
    .map((child): Stmt => {
      const declarator = child.type === 'init_declarator' ? childIn(child, 'declarator') : child;
      const { name, stars } = declared(source, declarator);
      const value = child.type === 'init_declarator' ? childIn(child, 'value') : undefined;
      const type = base + stars;
      const declaration = { k: 'decl' as const, line, type, name, ...storage };
      return value ? { ...declaration, init: exprOf(source, value) } : declaration;
    });
}

/** The name in a declarator, with the stars and brackets on the way to it. */
export function declared(
  source: SourceText,
  node: SyntaxNode | undefined,
): { readonly name: string; readonly stars: string; readonly at: number; readonly isFunction: boolean } {
  let stars = '';
  let isFunction = false;
  let isInner = false;
  for (let at = node; at; at = childIn(at, 'declarator') ?? at.children.find(({ type }) => NAMING.test(type))) {
    if (at.type === 'pointer_declarator') {
      stars += '*';
      // `(*f)(int)`: a variable that points to a function
      if (isInner) isFunction = false;
    } else if (at.type === 'array_declarator') stars += '[]';
    else if (at.type === 'function_declarator') isFunction = true;
    else if (at.type === 'parenthesized_declarator') isInner = isFunction;
    else if (/identifier$/.test(at.type))
      return { name: source.parsed.slice(at.start, at.end).trim(), stars, at: at.start, isFunction };
    if (at.children.length === 0) break;
  }
  return { name: '', stars, at: node?.start ?? 0, isFunction };
}

const NAMING = /declarator$|identifier$/;
