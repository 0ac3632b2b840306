/**
 * Expressions, evaluated on what is known (memory.ts): all values that can come out, each with the state after
 * it. A call of a function that is not known can give back anything, and change what it can reach.
 */

import type { Value } from './abstract-value.ts';
import {
  ANY,
  combined,
  compared,
  mirrored,
  NEGATIVE,
  negated,
  OTHER,
  ofName,
  ofNumber,
  ofTruth,
  refined,
  withStub,
  ZERO,
} from './abstract-value.ts';
import { hasEffect, placeOf, textOf, variablesIn } from './access-path.ts';
import type { Expr, Stmt } from './c-ast.ts';
import { partsOf } from './c-ast.ts';
import { conditionOf, mentionsConfig, numberOf } from './c-config-test.ts';
import type { Frame, World } from './frame.ts';
import { handedBack, handedOver, isAddress, passedPlace } from './hand-over.ts';
import { COMPARISONS, isPredicate, placeBehind, QUIET, questionOf, SAME_VALUE, SETTING } from './known-calls.ts';
import { sameTruth, testOf } from './leaf-tests.ts';
import { calleeName } from './live-facts.ts';
import type { Facts } from './memory.ts';
import { called, stored, textFact, withFact } from './memory.ts';
import type { State, TrailEvent } from './path-state.ts';
import { CONFIGURED, CONSULTED, NEW_CALL, passed, withEvent } from './path-state.ts';

export interface Evaluated {
  readonly value: Value;
  readonly state: State;
}

export interface Tested {
  readonly truth: boolean;
  readonly state: State;
  /** A stub's constant decided it. */
  readonly isStub?: boolean;
}

/** An expression that comes out in more ways is not followed. */
const MAX_RESULTS = 32;

export class Evaluator {
  readonly #frame: Frame;
  readonly #world: World;
  /** A stub was called. */
  isStubCalled = false;

  constructor(frame: Frame, world: World) {
    this.#frame = frame;
    this.#world = world;
  }

  value(e: Expr, state: State): readonly Evaluated[] {
    const all = this.#value(e, state);
    return all.length <= MAX_RESULTS ? all : [{ value: ANY, state: { ...all[0]!.state, facts: new Map() } }];
  }

  #value(e: Expr, state: State): readonly Evaluated[] {
    const one = (value: Value, after = state): readonly Evaluated[] => [{ value, state: after }];
    const test = testOf(e);
    if (test.k !== 'leaf' || (e.k === 'binary' && COMPARISONS.test(e.op)) || sameTruth(e) || isPredicate(e))
      return this.#truth(e, state);
    switch (e.k) {
      case 'number': {
        const number = numberOf(e);
        return one(number === undefined ? ANY : ofNumber(number));
      }
      case 'string':
        return one({ may: OTHER });
      case 'name': {
        const place = placeOf(e);
        return one(place === undefined ? ofName(e.name) : (state.facts.get(place) ?? ANY));
      }
      case 'member':
      case 'index': {
        const place = placeOf(e);
        const unknown = this.#world.isUnset(memberOf(e)) ? ofNumber(0) : ANY;
        if (place !== undefined) return one(state.facts.get(place) ?? unknown);
        return this.#parts(partsOf(e), state).map((after) => ({ value: unknown, state: after }));
      }
      case 'unary': {
        if (e.op === '*') {
          const place = placeOf(e);
          if (place !== undefined) return one(state.facts.get(place) ?? ANY);
        }
        return this.value(e.of, state).map(({ value, state: after }) => ({
          value: e.op === '&' ? { may: OTHER } : e.op === '-' ? negated(value) : e.op === '+' ? value : ANY,
          state: after,
        }));
      }
      case 'binary':
        return this.value(e.left, state).flatMap((left) =>
          this.value(e.right, left.state).map((right) => ({
            value: e.op === ',' ? right.value : combined(e.op, left.value, right.value),
            state: right.state,
          })),
        );
      case 'assign':
        return this.#assign(e, state);
      case 'choose':
        return this.#choose(e, state);
      case 'cast':
        return this.value(e.of, state).map(({ value, state: after }) => ({
          value: isUnsigned(e.type) && value.may & NEGATIVE ? withStub(ANY, value.stub === true) : value,
          state: after,
        }));
      case 'call':
        return this.#call(e, state);
      case 'statements':
        return this.#statements(e.body, state);
      default:
        return this.#parts(partsOf(e), state).map((after) => ({ value: ANY, state: this.#forget(e, after) }));
    }
  }

  test(e: Expr, state: State): readonly Tested[] {
    const test = testOf(e);
    switch (test.k) {
      case 'not':
        return this.test(test.of, state).map(({ truth, state: after }) => ({ truth: !truth, state: after }));
      case 'and':
      case 'or':
        return this.test(test.left, state).flatMap((left) =>
          left.truth === (test.k === 'or') ? [left] : this.test(test.right, left.state),
        );
      default:
        return this.#leaf(test.leaf, state).map((one) => ({ truth: one.truth, state: this.#passTest(test.leaf, one) }));
    }
  }

  /** A test that a stub decides says nothing of the way that was chosen: it is not among those that were asked. */
  #passTest(leaf: Expr, { truth, state, isStub }: Tested): State {
    const bits = this.#frame.anchors.tests.get(leaf);
    if (!bits) return state;
    const outcome = truth ? bits.yes : bits.no;
    return passed(state, isStub ? outcome : bits.passed | outcome, this.#frame.mark);
  }

  #truth(e: Expr, state: State): readonly Evaluated[] {
    return this.test(e, state).map(({ truth, state: after }) => {
      const isDecided = (after.flags & CONSULTED) !== 0 && after.trail !== state.trail;
      return { value: withStub(ofTruth(truth), isDecided), state: after };
    });
  }

  /** One question: a comparison, or whether a value is 0. */
  #leaf(leaf: Expr, state: State): readonly Tested[] {
    if (mentionsConfig(leaf)) return this.#config(leaf, state);
    const { op, subject, other } = questionOf(leaf);
    return this.value(subject, state).flatMap((left) =>
      (other ? this.value(other, left.state) : [{ value: ofNumber(0), state: left.state }]).flatMap((right) =>
        this.#outcomes(leaf, op, { e: subject, value: left.value }, { e: other, value: right.value }, right.state),
      ),
    );
  }

  #outcomes(leaf: Expr, op: string, a: Operand, b: Operand, state: State): readonly Tested[] {
    const can = compared(op, a.value, b.value);
    const text = textFact(textOf(leaf));
    const known = state.facts.get(text);
    const isStub = a.value.stub === true || b.value.stub === true;
    const told = { ...state, flags: state.flags | CONSULTED };
    return [true, false].flatMap((truth): readonly Tested[] => {
      if (!(truth ? can.yes : can.no) || (known && known.may === (truth ? ZERO : OTHER))) return [];
      const left = refined(op, a.value, b.value, truth);
      const right = b.e ? refined(mirrored(op), b.value, a.value, truth) : b.value;
      if (!left || !right) return [];
      const from = isStub ? this.#event(told, 'test', undefined, textOf(leaf), { outcome: truth }) : state;
      let { facts } = from;
      const [place, otherPlace] = [a.e && placeBehind(a.e), b.e && placeBehind(b.e)];
      if (place !== undefined) facts = withFact(facts, place, left);
      if (otherPlace !== undefined) facts = withFact(facts, otherPlace, right);
      // asked again, it comes out the same
      if (can.yes && can.no) facts = this.#remember(facts, leaf, truth);
      return [{ truth, state: { ...from, facts }, isStub }];
    });
  }

  #remember(facts: Facts, leaf: Expr, truth: boolean): Facts {
    return hasEffect(leaf) ? facts : new Map(facts).set(textFact(textOf(leaf)), truth ? { may: OTHER } : { may: ZERO });
  }

  #config(leaf: Expr, state: State): readonly Tested[] {
    const c = conditionOf(leaf, { opaque: textOf });
    const isOld = this.#frame.anchors.tests.has(leaf);
    const from = isOld ? state : { ...state, flags: state.flags | CONFIGURED };
    const decided = typeof c === 'boolean' ? c : this.#world.decide(c);
    const text = textFact(textOf(leaf));
    const known = state.facts.get(text);
    return [true, false]
      .filter((truth) => decided === undefined || decided === truth)
      .filter((truth) => known === undefined || known.may !== (truth ? ZERO : OTHER))
      .map((truth) => ({ truth, state: { ...from, facts: this.#remember(from.facts, leaf, truth) } }));
  }

  #choose(e: Expr & { readonly k: 'choose' }, state: State): readonly Evaluated[] {
    if (e.yes) {
      const { yes, no } = e;
      return this.test(e.test, state).flatMap(({ truth, state: after }) => this.value(truth ? yes : no, after));
    }
    return this.test(e.test, state).flatMap(({ truth, state: after }) =>
      truth ? [{ value: after.facts.get(placeBehind(e.test) ?? '') ?? ANY, state: after }] : this.value(e.no, after),
    );
  }

  #assign(e: Expr & { readonly k: 'assign' }, state: State): readonly Evaluated[] {
    const place = placeOf(e.to);
    const old = (after: State): Value => (place === undefined ? ANY : (after.facts.get(place) ?? ANY));
    return this.#parts(partsOf(e.to), state).flatMap((before) =>
      (e.from ? this.value(e.from, before) : [{ value: ANY, state: before }]).map(({ value, state: after }) => {
        const next = e.op === '=' ? value : e.from ? combined(e.op.slice(0, -1), old(after), value) : ANY;
        return { value: next, state: this.store(e.to, next, after, e.line) };
      }),
    );
  }

  /** After `to` got a value. */
  store(to: Expr, value: Value, state: State, line: number): State {
    const place = placeOf(to);
    if (place === undefined)
      return { ...state, facts: new Map([...state.facts].filter(([fact]) => /^[\w#]+$/.test(fact))) };
    // a constant that is stored where a stub led is the stub's doing, and so is what is decided by it
    const isOwn = !value.stub && value.exact !== undefined && (state.flags & CONSULTED) !== 0;
    const after = { ...state, facts: stored(state.facts, place, withStub(value, isOwn)) };
    return value.stub || isOwn ? this.#event(after, 'store', line, place, isOwn ? { isOwn } : {}) : after;
  }

  #call(e: Expr & { readonly k: 'call' }, state: State): readonly Evaluated[] {
    const name = calleeName(e);
    if (name === 'PTR_ERR_OR_ZERO' && e.args[0]) return this.#errorOrZero(e.args[0], state);
    const setter = name === 'WRITE_ONCE' || name === 'rcu_assign_pointer';
    if (setter && e.args[0] && e.args[1]) {
      const [to, from] = e.args;
      return this.value(from, state).map(({ value, state: s }) => ({ value, state: this.store(to, value, s, e.line) }));
    }
    const same = Object.hasOwn(SAME_VALUE, name) ? SAME_VALUE[name] : undefined;
    return this.#arguments(e, state).flatMap(({ values, state: before }) => {
      if (same !== undefined) return [{ value: values[same] ?? ANY, state: before }];
      const isQuiet = QUIET.test(name);
      const flags = !isQuiet && this.#frame.isNewCall(name) ? before.flags | NEW_CALL : before.flags;
      return this.#called(e, name, values, { ...before, flags }, isQuiet);
    });
  }

  #called(
    e: Expr & { readonly k: 'call' },
    name: string,
    values: readonly Value[],
    before: State,
    isQuiet: boolean,
  ): readonly Evaluated[] {
    const after = isQuiet ? before : { ...before, facts: this.#afterCall(e, name, before.facts) };
    const stub = this.#world.stub(name);
    if (stub) {
      this.isStubCalled = true;
      return [{ value: stub, state: this.#event(after, 'call', e.line, name) }];
    }
    const isStubGiven = values.some((value) => value.stub) || [...before.facts.values()].some((value) => value.stub);
    const helper = this.#world.helper(name, isStubGiven);
    const params = helper?.function.params ?? [];
    const given = params.flatMap((param, i) => handedOver(param, e.args[i], values[i], before.facts));
    // what is only known not to be NULL would make a case of its own of every call
    const telling = new Map(given.filter(([, value]) => value.stub || value.exact !== undefined));
    const results = helper && this.#world.results(helper, telling);
    if (!results) return [{ value: ANY, state: after }];
    return results.map((result): Evaluated => {
      let { facts } = after;
      for (const [i, param] of params.entries())
        for (const [place, value] of handedBack(param, e.args[i], result.facts)) facts = withFact(facts, place, value);
      const isTold = result.value.stub === true || [...result.facts.values()].some(({ stub: is }) => is);
      const next = { ...after, facts };
      if (!isTold) return { value: result.value, state: next };
      return {
        value: result.value,
        state: this.#event(next, 'call', e.line, name, result.trail && { inside: result.trail }),
      };
    });
  }

  #afterCall(e: Expr & { readonly k: 'call' }, name: string, facts: Facts): Facts {
    const places = e.args.flatMap((arg) => passedPlace(arg) ?? []);
    const addresses = e.args.flatMap((arg) => (isAddress(arg) ? (placeOf(arg.of) ?? []) : []));
    const set = SETTING.test(name) ? e.args.flatMap((arg) => placeOf(arg) ?? []) : [];
    return called(facts, this.#frame.scope, places, [...addresses, ...set]);
  }

  #arguments(e: Expr & { readonly k: 'call' }, state: State): readonly { values: readonly Value[]; state: State }[] {
    const callee = e.callee.k === 'name' ? [state] : this.#parts([e.callee], state);
    let ways: readonly { values: readonly Value[]; state: State }[] = callee.map((s) => ({ values: [], state: s }));
    for (const arg of e.args) {
      ways = ways.flatMap((way) =>
        this.value(arg, way.state).map(({ value, state: after }) => ({ values: [...way.values, value], state: after })),
      );
      if (ways.length > MAX_RESULTS) ways = [{ values: e.args.map(() => ANY), state: { ...state, facts: new Map() } }];
    }
    return ways;
  }

  /** linux/err.h: the errno of an error pointer, else 0. */
  #errorOrZero(arg: Expr, state: State): readonly Evaluated[] {
    return this.value(arg, state).flatMap(({ value, state: after }) =>
      [true, false].flatMap((isError): readonly Evaluated[] => {
        const left = refined('<', value, ofNumber(0), isError);
        if (!left) return [];
        const place = placeOf(arg);
        const facts = place === undefined ? after.facts : withFact(after.facts, place, left);
        return [{ value: isError ? left : withStub(ofNumber(0), value.stub === true), state: { ...after, facts } }];
      }),
    );
  }

  /** `({ ... })`, where nothing but declarations and expressions is in it. */
  #statements(body: readonly Stmt[], state: State): readonly Evaluated[] {
    let ways: readonly Evaluated[] = [{ value: ANY, state }];
    for (const s of body) {
      ways = ways.flatMap(
        ({ state: at }) => this.statement(s, at) ?? [{ value: ANY, state: { ...at, facts: new Map() } }],
      );
    }
    return ways;
  }

  /** A statement of a list that control does not leave; undefined for any other. */
  statement(s: Stmt, state: State): readonly Evaluated[] | undefined {
    if (s.k === 'expr') return this.value(s.expr, state);
    if (s.k === 'decl') {
      const to: Expr = { k: 'name', name: s.name };
      const from = s.init && !s.static ? this.value(s.init, state) : [{ value: ANY, state }];
      return from.map(({ value, state: after }) => ({ value, state: this.store(to, value, after, s.line) }));
    }
    if (s.k === 'other')
      return this.#parts(s.parts, state).map((after) => ({ value: ANY, state: { ...after, facts: new Map() } }));
    return undefined;
  }

  #parts(list: readonly Expr[], state: State): readonly State[] {
    return list.reduce<readonly State[]>(
      (states, e) => states.flatMap((s) => this.value(e, s).map((one) => one.state)),
      [state],
    );
  }

  /** After something that could not be read: what it mentions may have changed. */
  #forget(e: Expr, state: State): State {
    if (e.k !== 'other' || /^sizeof\b|^__?typeof/.test(e.text)) return state;
    const names = variablesIn(e.text);
    return { ...state, facts: called(state.facts, this.#frame.scope, names, names) };
  }

  #event(
    state: State,
    kind: TrailEvent['kind'],
    line: number | undefined,
    text: string,
    more?: Pick<TrailEvent, 'isOwn' | 'inside' | 'outcome'>,
  ): State {
    return withEvent(state, { kind, of: this.#frame.of, line: line ?? this.line, text, ...more });
  }

  /** Of the statement that is being evaluated. */
  line = 0;
}

/** `x` of `p->x` and `p->x[i]`. */
const memberOf = (e: Expr): string => (e.k === 'member' ? e.field : e.k === 'index' ? memberOf(e.of) : '');

interface Operand {
  readonly e: Expr | undefined;
  readonly value: Value;
}

const isUnsigned = (type: string): boolean => /\bunsigned\b|^(?:__)?u(?:8|16|32|64|int|long)\b|\bsize_t$/.test(type);
