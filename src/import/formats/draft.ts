import type { InputProblem } from '../../errors.ts';
import { checkMetadata } from '../../lib/metadata.ts';
import { inspectHash } from '../../lib/password-hash.ts';
import { profileChange } from '../../models/user-fields.ts';
import type { PORTABLE_FIELDS } from '../../schemas/portable-user.ts';
import type { Note } from '../mapping.ts';
import { type FormatOptions, LEFT_OUT } from './format.ts';
import type { HashText } from './hashes.ts';
import { isObject, objectOf, textOf } from './values.ts';

type Field = Exclude<(typeof PORTABLE_FIELDS)[number], 'metadata' | 'passwordHash'>;

/** An account in our own form, not yet checked, and what became of each field that it was made of. */
export interface Drafted {
  readonly value: Record<string, unknown>;
  readonly notes: readonly Note[];
  readonly problems: readonly InputProblem[];
}

/** No account is refused for these: what does not fit of them is left out, and counted. */
const DISPENSABLE: ReadonlySet<Field> = new Set(['firstName', 'lastName', 'avatarUrl']);

const NO_OBJECT = 'is no JSON object';
const EMPTY = 'is empty';

/**
 * An account of another system on its way into our form. Null, empty text and empty lists count as absent. Whoever takes
 * a field says what becomes of it: carried over, kept or left out, it is in the report.
 */
export class Draft {
  readonly #source: Record<string, unknown>;
  readonly #options: FormatOptions;
  readonly #seen = new Set<string>();
  readonly #value: Record<string, unknown> = {};
  readonly #metadata: Record<string, unknown> = {};
  readonly #notes: Note[] = [];
  readonly #problems: InputProblem[] = [];

  constructor(source: Record<string, unknown>, options: FormatOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** A field that the format takes care of; undefined when it is absent. */
  take(from: string): unknown {
    this.#seen.add(from);
    const value = Object.hasOwn(this.#source, from) ? this.#source[from] : undefined;
    const absent = value === null || value === '' || (Array.isArray(value) && value.length === 0);
    return absent ? undefined : value;
  }

  /** The members of an object, which are for the format to carry over or leave out, each of them. */
  takeMembers(from: string): Record<string, unknown> {
    const value = this.take(from);
    const members = objectOf(value);
    if (value !== undefined && members === undefined) this.leaveOut(from, NO_OBJECT);
    return members ?? {};
  }

  /** The objects of a list, likewise. */
  takeObjects(from: string): Record<string, unknown>[] {
    const value = this.take(from);
    if (value === undefined) return [];
    if (!Array.isArray(value)) this.leaveOut(from, 'is no list');
    const items: unknown[] = Array.isArray(value) ? value : [];
    if (!items.every(isObject)) this.leaveOut(from, NO_OBJECT);
    return items.filter(isObject);
  }

  /** Carries a field over, unless another one was first. */
  move(from: string, to: Field, convert: (value: unknown) => unknown = (value) => value): void {
    const value = this.take(from);
    if (value !== undefined) this.put(from, to, convert(value));
  }

  put(from: string, to: Field, value: unknown): void {
    const problem = this.has(to) ? `there is another ${to}` : unfit(to, value);
    if (problem === undefined) {
      this.#value[to] = value;
      this.#notes.push({ from, to });
    } else this.leaveOut(from, problem);
  }

  has(to: Field): boolean {
    return to in this.#value;
  }

  /** What has been carried over to a field, where that is text. */
  textOf(to: Field): string | undefined {
    return textOf(this.#value[to]);
  }

  /** A whole name, which is cut at its first space: put together again, the two are what they were. */
  moveWholeName(from: string): void {
    const value = this.take(from);
    if (value !== undefined) this.putWholeName(from, value);
  }

  putWholeName(from: string, value: unknown): void {
    const [, firstName = '', lastName = ''] = /^\s*(\S+)\s*(.*)$/s.exec(textOf(value) ?? '') ?? [];
    const names = { firstName, ...(lastName !== '' && { lastName }) };
    const problem = this.#wholeNameProblem(value) ?? profileChange(names).problems[0]?.detail;
    if (problem === undefined) {
      Object.assign(this.#value, names);
      this.#notes.push({ from, to: 'firstName, lastName', reason: 'cut at the first space' });
    } else this.leaveOut(from, problem);
  }

  #wholeNameProblem(value: unknown): string | undefined {
    if (this.has('firstName') || this.has('lastName')) return 'there are a first and a last name';
    return value === this.#value['email'] ? 'is the email' : undefined;
  }

  /** Keeps a field in the metadata, as much of it as fits there. */
  keep(from: string, key: string, value: unknown = this.take(from)): void {
    if (value === undefined) return;
    const problem = this.#metadataProblem(key, value);
    if (problem === undefined) {
      this.#metadata[key] = value;
      this.#notes.push({ from, to: `metadata.${key}` });
    } else this.leaveOut(from, problem);
  }

  #metadataProblem(key: string, value: unknown): string | undefined {
    if (Object.hasOwn(this.#metadata, key)) return `there is another metadata.${key}`;
    // Alike for all that are too large, so that they are counted together.
    return checkMetadata({ ...this.#metadata, [key]: value })?.replace(/takes \d+ bytes/, 'takes too many bytes');
  }

  /** Keeps each member of an object in the metadata. */
  keepMembers(from: string, members: Record<string, unknown>): void {
    for (const [key, value] of Object.entries(members))
      if (value === null) this.leaveOut(`${from}.${key}`, EMPTY);
      else this.keep(`${from}.${key}`, key, value);
  }

  /**
   * Likewise for what applications keep there, such as a plan or a customer's number, and trust because people cannot
   * change it. Here everybody changes their own metadata, so it only comes along where the operator says so; and before
   * anything of people's own, which would else stand in its place.
   */
  keepForApplication(from: string, key: string, value: unknown = this.take(from)): void {
    if (value === undefined) return;
    if (this.#options.includeAppMetadata) this.keep(from, key, value);
    else this.leaveOut(from, LEFT_OUT.application);
  }

  keepMembersForApplication(from: string, members: Record<string, unknown>): void {
    for (const [key, value] of Object.entries(members))
      if (value === null) this.leaveOut(`${from}.${key}`, EMPTY);
      else this.keepForApplication(`${from}.${key}`, key, value);
  }

  /** What a hash is in our form, or why there is none. */
  password(from: string, hash: HashText): void {
    const problem = 'problem' in hash ? hash.problem : problemOf(hash.text);
    this.#notes.push({ from, ...(problem === undefined ? { to: 'passwordHash' } : { reason: problem }) });
    if ('text' in hash) this.#value['passwordHash'] = hash.text;
    if (problem !== undefined)
      this.#problems.push({ pointer: '/passwordHash', code: 'unsupported-hash', detail: problem });
  }

  leaveOut(from: string, reason: string): void {
    this.#notes.push({ from, reason });
  }

  /** Fields that have no place here, and why. Those that are absent are not counted. */
  leaveOutAll(reason: string, fields: readonly string[]): void {
    for (const from of fields) if (this.take(from) !== undefined) this.leaveOut(from, reason);
  }

  /** Which fields there are that the format has not taken care of. */
  rest(): string[] {
    return Object.keys(this.#source).filter((field) => !this.#seen.has(field));
  }

  refuse(problem: InputProblem): void {
    this.#problems.push(problem);
  }

  finish(): Drafted {
    const { withoutUnusableHashes = false } = this.#options;
    this.leaveOutAll('is not known to this import', this.rest());
    const unusable = this.#problems.filter(({ pointer }) => pointer === '/passwordHash');
    if (withoutUnusableHashes && unusable.length > 0) delete this.#value['passwordHash'];
    const metadata = Object.keys(this.#metadata).length > 0 ? { metadata: this.#metadata } : {};
    return {
      value: { ...this.#value, ...metadata },
      notes: this.#notes,
      problems: this.#problems.filter((problem) => !withoutUnusableHashes || !unusable.includes(problem)),
    };
  }
}

function unfit(to: Field, value: unknown): string | undefined {
  if (!DISPENSABLE.has(to)) return undefined;
  return typeof value === 'string' ? profileChange({ [to]: value }).problems[0]?.detail : 'must be text';
}

function problemOf(hash: string): string | undefined {
  const inspected = inspectHash(hash);
  return 'problem' in inspected ? inspected.problem : undefined;
}
