import type { IndexDefinition } from '../collections/define.ts';
import type { ValidatorChanges } from './rules.ts';

/** What a draft says of a change. */
export interface Words {
  /** What changes, in a few words each. */
  readonly summary: readonly string[];
  /** What a reader has to know of documents that are there, on each way; sentences. */
  readonly upNotes: readonly string[];
  readonly downNotes: readonly string[];
}

export const NARROWED = 'Documents that do not fit a changed rule stay as they are, and are refused when next written.';

/** `a, b and c` */
const listed = (items: readonly unknown[]): string =>
  items
    .map(String)
    .join(', ')
    .replace(/, (?!.*, )/, ' and ');

/** `a is new`, `a and b are new`, or nothing of nobody */
const said = (subjects: readonly string[], one: string, several: string): string[] =>
  subjects.length === 0 ? [] : [`${listed(subjects)} ${subjects.length === 1 ? one : several}`];

export function wordsOfRules({ rules, values, nowRequired, nowOptional }: ValidatorChanges): Words {
  const gone = rules.filter(({ after }) => after === undefined).map(({ path }) => path);
  const came = rules.filter(({ before }) => before === undefined).map(({ path }) => path);
  const changed = rules.filter(({ before, after }) => before && after).map(({ path }) => path);
  const isNarrower = (way: 'added' | 'removed'): boolean =>
    changed.length > 0 || values.some(({ [way]: narrowed }) => narrowed.length > 0);
  return {
    summary: [
      ...said(came, 'is new', 'are new'),
      ...said(gone, 'is gone', 'are gone'),
      ...said(changed, 'changes', 'change'),
      ...values.flatMap(({ path, added, removed }) => [
        ...(added.length > 0 ? [`${path} knows ${listed(added)} too`] : []),
        ...(removed.length > 0 ? [`${path} no longer knows ${listed(removed)}`] : []),
      ]),
      ...said(nowRequired, 'is required', 'are required'),
      ...said(
        nowOptional.filter((path) => !gone.includes(path)),
        'is optional',
        'are optional',
      ),
    ],
    upNotes: [
      ...(gone.length > 0 ? ['What is gone from the rules stays in the documents, where nothing reads it.'] : []),
      ...(isNarrower('removed') ? [NARROWED] : []),
    ],
    downNotes: [
      ...(came.length > 0 ? ['What was new stays in the documents, where nothing reads it.'] : []),
      ...(isNarrower('added') ? [NARROWED] : []),
      ...(nowOptional.length > 0
        ? [`Documents that lack ${listed(nowOptional)} by then are refused when next written.`]
        : []),
    ],
  };
}

/** Of indexes that go and others that come; one of the same name in both changes. */
export function wordsOfIndexes(gone: readonly IndexDefinition[], put: readonly IndexDefinition[]): string[] {
  const old = gone.map(({ name }) => name);
  const current = put.map(({ name }) => name);
  return [
    ...said(
      current.filter((name) => !old.includes(name)),
      'is new',
      'are new',
    ),
    ...said(
      current.filter((name) => old.includes(name)),
      'changes',
      'change',
    ),
    ...said(
      old.filter((name) => !current.includes(name)),
      'is gone',
      'are gone',
    ),
  ];
}
