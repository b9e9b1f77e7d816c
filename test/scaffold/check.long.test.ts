import { afterAll, beforeAll, expect, it } from 'vitest';
import { freeName } from '../helpers/free-name.ts';
import { copyRepository, type RepositoryCopy } from '../helpers/repository-copy.ts';

const [INVOICE, TAG, BOARD, RATE] = ['invoice', 'tag', 'board', 'exchange-rate'].map(freeName);

/** As in docs/extending.md, and then one for each other kind of owner, with every type. */
const COMMANDS = [
  [
    `${INVOICE}s`,
    '--owner',
    'user',
    '--field',
    'number:string unique',
    '--field',
    'total:decimal',
    '--many-to-many',
    `${TAG}s`,
  ],
  [
    ...[`${BOARD}s`, '--owner', 'team', '--field', 'title:string(80) sort', '--field', 'about:text optional'],
    ...['--field', 'state:enum(open|closed) filter', '--field', 'dueAt:date filter', '--field', 'open:boolean filter'],
    ...['--field', 'leadId:reference(users/nullify) optional'],
  ],
  [
    ...[`${RATE}s`, '--owner', 'none', '--field', 'currency:string(3) unique filter', '--field', 'rate:decimal sort'],
    ...['--field', 'place:integer sort', '--field', 'weight:number optional'],
  ],
];

let copy: RepositoryCopy;
beforeAll(() => {
  copy = copyRepository();
});
afterAll(() => copy.remove());

it('what is scaffolded passes the whole check, untouched', async () => {
  for (const command of COMMANDS) {
    const { code, said } = await copy.run('bin/roster', ['new', 'collection', ...command]);
    expect(code, said).toBe(0);
  }
  // The check compares the generated documents with what is committed.
  copy.commit();
  const { code, said } = await copy.run('npm', ['run', 'check']);
  expect(code, said.slice(-20_000)).toBe(0);
});
