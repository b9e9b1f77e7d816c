import { cpus } from 'node:os';
import { dictionary } from '@zxcvbn-ts/language-common';
import { commonLooks } from '../src/lib/common-passwords.ts';
import { checkPassword } from '../src/lib/password-policy.ts';

// What the blocklist takes: memory, and time for a password. `npm run bench:blocklist`; there are no options.

const LENGTHS = [15, 20, 40, 64, 128, 256, 400];
const SAMPLES = 2_000;
/** Of different passwords, so that a pause of the machine is no password's time. */
const REPEATS = 5;
const CONTEXT = ['Roster', 'augusta.lovelace@example.com', 'Augusta', 'Lovelace'];

/** KiB on the heap and outside of it, with nothing left over that could be collected. */
function memory(): number {
  if (globalThis.gc === undefined) throw new Error('Start with node --expose-gc');
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1024;
}

/** The same numbers at every run. */
let state = 1;
function random(below: number): number {
  state = (state * 48_271) % 2_147_483_647;
  return state % below;
}
const oneOf = <T>(values: readonly T[]): T => values[random(values.length)] as T;
function grow(length: number, part: () => string): string {
  let text = '';
  while (text.length < length) text += part();
  return text.slice(0, length);
}

function spell(word: string): string {
  const signs: Readonly<Record<string, string>> = { a: '4', e: '3', i: '1', o: '0', s: '$', t: '7' };
  return [...word].map((letter) => (random(2) === 0 ? (signs[letter] ?? letter) : letter)).join('');
}

const before = memory();
const opened = performance.now();
commonLooks();
const openedMs = performance.now() - opened;
const taken = memory() - before;

const words = dictionary['passwords-common'];
const phrase = dictionary['diceware-common'];
/** Entries that begin a password together with what is no entry: the look-ups begin at each anew. */
const hostile = (length: number) => {
  const parts = [oneOf(words), spell(oneOf(words)), String(random(99_999))];
  return `${grow(length - 8, () => oneOf(parts))}kqzvwxjg`;
};
const KINDS: Readonly<Record<string, (length: number) => string>> = {
  'hit: entry, digits and signs': (length) => (spell(oneOf(words)) + random(1e8)).padEnd(length, '!'),
  'hit: entry again and again': (length) => {
    const word = spell(oneOf(words));
    return grow(length, () => word);
  },
  'miss: words of a phrase': (length) => grow(length, () => `${oneOf(phrase)} `),
  'miss: random characters': (length) => grow(length, () => String.fromCharCode(33 + random(94))),
  'miss: made to be slow': hostile,
};

function measure(password: string): number {
  let quickest = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    const start = performance.now();
    checkPassword(password, { minLength: 15, maxLength: 400, context: CONTEXT });
    quickest = Math.min(quickest, performance.now() - start);
  }
  return quickest * 1_000;
}

const columns = (cells: readonly (string | number)[]) => cells.map((cell) => String(cell).padStart(9)).join('');
const print = (line: string) => process.stdout.write(`${line}\n`);

print(`${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.version}`);
print(`${words.length} common passwords, ${commonLooks().size} looks`);
print(`memory: ${taken.toFixed(0)} KiB; read and sorted once, in ${openedMs.toFixed(0)} ms`);
print('');
print(`${'time of the whole check, in µs'.padEnd(32)}${columns(['length', 'refused', 'p50', 'p99', 'max'])}`);
for (const [kind, make] of Object.entries(KINDS)) {
  for (let count = 0; count < SAMPLES; count += 1) measure(make(40));
  for (const length of LENGTHS) {
    const passwords = Array.from({ length: SAMPLES }, () => make(length));
    const times = passwords.map(measure).sort((a, b) => a - b);
    const refused = passwords.filter(
      (password) => checkPassword(password, { minLength: 15, maxLength: 400, context: CONTEXT }).length > 0,
    ).length;
    const at = (part: number) => (times[Math.floor((SAMPLES - 1) * part)] ?? 0).toFixed(1);
    print(
      `${kind.padEnd(32)}${columns([length, `${Math.round((refused / SAMPLES) * 100)} %`, at(0.5), at(0.99), at(1)])}`,
    );
  }
}
