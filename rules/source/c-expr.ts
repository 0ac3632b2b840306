/** From a node of the grammar to an expression (c-ast.ts). */

import type { Expr, ListItem, Stmt } from './c-ast.ts';
import type { SyntaxNode } from './c-syntax.ts';
import { childIn } from './c-syntax.ts';

/** What a file's nodes are read with. */
export interface SourceText {
  /** Of the same length as what was parsed, without comments and preprocessor lines, but with attributes and names of loops. */
  readonly code: string;
  /** What was parsed: the names of functions that macros define stand there (c-mask.ts). */
  readonly parsed: string;
  lineAt(offset: number): number;
  /** Statements of a compound statement (c-body.ts). */
  statements(node: SyntaxNode): readonly Stmt[];
}

const MAX_ARGUMENT_TEXT = 300;

export function exprOf(source: SourceText, node: SyntaxNode | undefined): Expr {
  if (!node) return { k: 'other', text: '', parts: [] };
  const child = (field: string): Expr => exprOf(source, childIn(node, field));
  const text = (): string => source.code.slice(node.start, node.end);
  switch (node.type) {
    case 'identifier':
    case 'type_identifier':
    case 'field_identifier':
    case 'true':
    case 'false':
    case 'null':
      return { k: 'name', name: text().trim() };
    case 'number_literal':
    case 'char_literal':
      return { k: 'number', text: text() };
    case 'string_literal':
    case 'concatenated_string':
      return { k: 'string', text: oneLine(text()) };
    case 'parenthesized_expression':
      return inParentheses(source, node);
    case 'call_expression':
      return callOf(source, node);
    case 'field_expression':
      return { k: 'member', of: child('argument'), field: fieldName(source, childIn(node, 'field')) };
    case 'subscript_expression':
      return { k: 'index', of: child('argument'), at: child('index') };
    case 'unary_expression':
    case 'pointer_expression':
      return { k: 'unary', op: source.code[node.start] ?? '', of: child('argument') };
    case 'binary_expression':
    case 'comma_expression':
      return {
        k: 'binary',
        op: operatorBetween(source, childIn(node, 'left'), childIn(node, 'right')),
        left: child('left'),
        right: child('right'),
      };
    case 'assignment_expression':
      return {
        k: 'assign',
        line: source.lineAt(node.start),
        op: operatorBetween(source, childIn(node, 'left'), childIn(node, 'right')),
        to: child('left'),
        from: child('right'),
      };
    case 'update_expression':
      return {
        k: 'assign',
        line: source.lineAt(node.start),
        op: text().startsWith('-') || text().endsWith('-') ? '--' : '++',
        to: child('argument'),
      };
    case 'conditional_expression': {
      const yes = childIn(node, 'consequence');
      const [test, no] = [child('condition'), child('alternative')];
      return yes ? { k: 'choose', test, yes: exprOf(source, yes), no } : { k: 'choose', test, no };
    }
    case 'cast_expression': {
      const type = childIn(node, 'type');
      return { k: 'cast', type: type ? oneLine(source.code.slice(type.start, type.end)) : '', of: child('value') };
    }
    case 'compound_literal_expression':
      return child('value');
    case 'initializer_list':
      return { k: 'list', items: node.children.flatMap((item) => itemOf(source, item)) };
    default:
      return { k: 'other', text: oneLine(text()), parts: partsOfUnknown(source, node) };
  }
}

/** `test ?: no` is a conditional expression whose `consequence` is missing; `({ ... })` is a compound statement in parentheses. */
function inParentheses(source: SourceText, node: SyntaxNode): Expr {
  const [inner, ...others] = node.children.filter(({ type }) => type !== 'comment');
  if (inner?.type === 'compound_statement') return { k: 'statements', body: source.statements(inner) };
  if (others.length === 0) return exprOf(source, inner);
  return { k: 'other', text: oneLine(source.code.slice(node.start, node.end)), parts: partsOfUnknown(source, node) };
}

function callOf(source: SourceText, node: SyntaxNode): Expr {
  const list = childIn(node, 'arguments');
  const args = (list?.children ?? []).map((arg) =>
    arg.type === 'compound_statement'
      ? ({ k: 'statements', body: source.statements(arg) } as const)
      : exprOf(source, arg),
  );
  const argText = list ? oneLine(source.code.slice(list.start + 1, list.end - 1)) : '';
  const callee = exprOf(source, childIn(node, 'function'));
  return { k: 'call', line: source.lineAt(node.start), callee, args, argText };
}

function itemOf(source: SourceText, node: SyntaxNode): ListItem[] {
  const line = source.lineAt(node.start);
  if (node.type === 'comment' || node.type === 'ERROR') return [];
  if (node.type !== 'initializer_pair') return [{ line, value: exprOf(source, node) }];
  const value = exprOf(source, childIn(node, 'value'));
  const designator = node.children.filter(({ type }) => type === 'field_designator').at(-1);
  const old = node.children.find(({ type }) => type === 'field_identifier');
  const field = fieldName(source, designator ?? old);
  return [field === '' ? { line, value } : { field, line, value }];
}

function fieldName(source: SourceText, node: SyntaxNode | undefined): string {
  return node
    ? source.code
        .slice(node.start, node.end)
        .replace(/^[.\s]+/, '')
        .trim()
    : '';
}

function operatorBetween(source: SourceText, left: SyntaxNode | undefined, right: SyntaxNode | undefined): string {
  if (!left || !right) return '';
  // parentheses around an operand belong to its node; what is left is the operator and white space
  return source.code.slice(left.end, right.start).replace(/[\s\\]+/g, '');
}

/** Expressions somewhere below a node that is none itself, so that no call in it is lost. */
export function partsOfUnknown(source: SourceText, node: SyntaxNode): Expr[] {
  return node.children.flatMap((child): Expr[] => {
    if (child.type === 'compound_statement') return [{ k: 'statements', body: source.statements(child) }];
    if (EXPRESSION.test(child.type)) return [exprOf(source, child)];
    return partsOfUnknown(source, child);
  });
}

const EXPRESSION = /^(?:\w+_expression|identifier|number_literal|string_literal|initializer_list)$/;

export function oneLine(text: string): string {
  return text
    .replace(/[\s\\]+/g, ' ')
    .trim()
    .slice(0, MAX_ARGUMENT_TEXT);
}
