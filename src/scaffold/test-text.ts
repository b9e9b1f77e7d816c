import { type Blueprint, type Link, pathOf } from './blueprint.ts';
import { type Field, parametersOf } from './field.ts';
import { literal, valuesOf } from './samples.ts';
import { words } from './words.ts';

/** Who calls what in a test, by whom the documents belong to. */
interface Cast {
  /** Makes and changes them, there. */
  readonly writer: string;
  readonly writes: string;
  /** Reads and lists them, there. */
  readonly reads: string;
  readonly administers: string;
}

function castOf(blueprint: Blueprint): Cast {
  const path = pathOf(blueprint).replace(':teamId', '\u0024{team}');
  const quote = blueprint.owner === 'team' ? '`' : "'";
  const own = `${quote}/v1${path}${quote}`;
  const all = `${quote}/v1/admin${path}${quote}`;
  return blueprint.owner === 'none'
    ? { writer: 'admin', writes: all, reads: own, administers: all }
    : { writer: 'ada', writes: own, reads: own, administers: all };
}

/** `test/routes/<names>.test.ts`: real requests to each route, by those who may and those who may not. */
export function testText(blueprint: Blueprint): string {
  const { owner, links } = blueprint;
  return `${importsOf(blueprint)}
${setupOf(blueprint)}
it('are made and read', async () => {
  const sent = ${bodyCall(blueprint)};
  const made = await ${castOf(blueprint).writer}.call('POST', WRITES(), sent);
  expect(made.statusCode, made.body).toBe(201);
  expect(made.json()).toMatchObject(sent);
  const read = await ada.call('GET', \`\${READS()}/\${made.json().id}\`);
  expect(read.json()).toEqual(made.json());
  expect(read.headers['etag']).toBe('"1"');
});

it('are listed newest first, page by page', async () => {
  const ids = [await make(), await make(), await make()].map(({ id }) => id).reverse();
  const first = (await ada.call('GET', \`\${READS()}?limit=2\`)).json();
  const second = (await ada.call('GET', \`\${READS()}?limit=1&cursor=\${first.nextCursor}\`)).json();
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
});

${changeTest(blueprint)}
${deleteTest(blueprint)}
${othersTest(blueprint, owner)}
${uniqueTests(blueprint)}
${listTests(blueprint)}
${links.map((link) => linkTest(blueprint, link)).join('\n')}
`
    .replaceAll(/\n{3,}/g, '\n\n')
    .replace(/\n*$/, '\n');
}

const needsParents = ({ fields, links }: Blueprint): boolean =>
  links.length > 0 || fields.some(({ type, optional }) => type.name === 'reference' && !optional);

function importsOf(blueprint: Blueprint): string {
  const { names, owner } = blueprint;
  const helpers = [...(needsParents(blueprint) ? ['documentOf'] : []), ...(owner === 'team' ? ['join', 'teamOf'] : [])];
  return [
    "import { afterAll, beforeAll, expect, it } from 'vitest';",
    `import { ${names.plural} } from '../../src/routes/${names.file}.ts';`,
    "import { buildTestApp, type TestApp } from '../helpers/app.ts';",
    ...(helpers.length > 0 ? [`import { ${helpers.join(', ')} } from '../helpers/documents.ts';`] : []),
    "import { type Person, person } from '../helpers/people.ts';",
    '',
  ].join('\n');
}

/** A document of another collection, for the test to refer to. */
const parentCall = ({ owner }: Blueprint, model: string): string =>
  `await documentOf('${model}', ada${owner === 'team' ? ', team' : ''})`;

const requiredReferences = ({ references }: Blueprint) => references.filter(({ field }) => !field.optional);

const bodyCall = (blueprint: Blueprint): string =>
  requiredReferences(blueprint).length > 0 ? 'await body()' : 'body()';

function setupOf(blueprint: Blueprint): string {
  const { names, owner } = blueprint;
  const { writer, writes, reads, administers } = castOf(blueprint);
  const team = owner === 'team';
  const people = team ? ['ada', 'member', 'bob', 'admin'] : ['ada', 'bob', 'admin'];
  const required = requiredReferences(blueprint);
  const sample = `${names.plural}.sample(String(++count))`;
  const parents = required.map(({ field, target }) => `${field.name}: ${parentCall(blueprint, target.model)}`);
  const body = required.length > 0 ? `async () => ({ ...${sample}, ${parents.join(', ')} })` : `() => ${sample}`;
  return `let service: TestApp;
${people.map((name) => `let ${name}: Person;`).join('\n')}
${team ? 'let team: string;' : ''}

/** Where they are written, where they are read, and where administration has all of them. */
const WRITES = () => ${writes};
const READS = () => ${reads};
const ALL = () => ${administers};

beforeAll(async () => {
  service = await buildTestApp();
  ${people.map((name) => `${name} = await person(service${name === 'admin' ? ", { roles: ['admin'] }" : ''});`).join('\n')}
  ${team ? "team = await teamOf(ada);\nawait join(team, member, 'member');" : ''}
});
afterAll(() => service.close());

let count = 0;
/** What makes one: each time another. */
const body = ${body};

async function make() {
  const response = await ${writer}.call('POST', WRITES(), ${bodyCall(blueprint)});
  expect(response.statusCode, response.body).toBe(201);
  return response.json();
}
`.replace(/\n{3,}/g, '\n\n');
}

/** What a change sends: another value of the first field that refers to nothing. */
function changeOf({ fields }: Blueprint): string {
  const [change = ''] = fields.flatMap((field) => {
    const values = valuesOf(field);
    return values ? [`{ ${field.name}: ${literal(values[1])} }`] : [];
  });
  return change;
}

const changeTest = (blueprint: Blueprint): string => `
it('are changed by whoever knows the version', async () => {
  const { id } = await make();
  const change = ${changeOf(blueprint)};
  const patch = () => ${castOf(blueprint).writer}.call('PATCH', \`\${WRITES()}/\${id}\`, change, { headers: { 'if-match': '"1"' } });
  const changed = await patch();
  expect(changed.json()).toMatchObject(change);
  expect(changed.headers['etag']).toBe('"2"');
  expect((await patch()).json().code).toBe('precondition-failed');
});
`;

const deleteTest = (blueprint: Blueprint): string => `
it('are deleted, and restored by administration', async () => {
  const { id } = await make();
  expect((await ${castOf(blueprint).writer}.call('DELETE', \`\${WRITES()}/\${id}\`)).statusCode).toBe(204);
  expect((await ada.call('GET', \`\${READS()}/\${id}\`)).statusCode).toBe(404);
  const { items } = (await admin.call('GET', \`\${ALL()}?deleted=true&limit=1\`)).json();
  expect(items).toMatchObject([{ id }]);
  expect((await admin.call('POST', \`\${ALL()}/\${id}/restore\`)).statusCode).toBe(200);
  expect((await ada.call('GET', \`\${READS()}/\${id}\`)).statusCode).toBe(200);
});
`;

const OTHERS = {
  user: 'are nobody else’s',
  team: 'are not there for those who are not in the team, and members read them',
  none: 'are changed by nobody else',
} as const;

function othersTest(blueprint: Blueprint, owner: Blueprint['owner']): string {
  const change = changeOf(blueprint);
  const tries = (who: string, code: string) => `
  expect((await ${who}.call('PATCH', at, change)).json().code).toBe('${code}');
  expect((await ${who}.call('DELETE', at)).json().code).toBe('${code}');`;
  const rest = {
    user: `expect((await bob.call('GET', at)).json().code).toBe('not-found');${tries('bob', 'not-found')}
  expect((await bob.call('GET', READS())).json().items).toEqual([]);`,
    team: `expect((await bob.call('GET', at)).json().code).toBe('not-found');${tries('bob', 'not-found')}
  expect((await bob.call('GET', READS())).json().code).toBe('not-found');
  expect((await member.call('GET', at)).statusCode).toBe(200);${tries('member', 'forbidden')}`,
    none: `expect((await bob.call('POST', WRITES(), ${bodyCall(blueprint)})).json().code).toBe('forbidden');${tries('bob', 'forbidden')}`,
  }[owner];
  return `
it('${OTHERS[owner]}', async () => {
  const at = \`\${WRITES()}/\${(await make()).id}\`;
  const change = ${change};
  ${rest}
});
`;
}

const uniqueTests = (blueprint: Blueprint): string =>
  blueprint.fields
    .filter(({ unique }) => unique)
    .map(
      ({ name }) => `
it('each have a ${words(name)} of their own', async () => {
  const made = await make();
  const response = await ${castOf(blueprint).writer}.call('POST', WRITES(), { ...${bodyCall(blueprint).replace('await body()', '(await body())')}, ${name}: made.${name} });
  expect(response.json()).toMatchObject({ code: 'value-taken', errors: [{ pointer: '/${name}' }] });
});
`,
    )
    .join('');

/** A filter that the document passes, as a query. */
function queryOf(field: Field): string {
  const [parameter = ''] = parametersOf(field);
  return field.type.name === 'date'
    ? `${parameter}=2000-01-01T00:00:00.000Z`
    : `${parameter}=\${encodeURIComponent(made.${field.name})}`;
}

function listTests({ fields }: Blueprint): string {
  const filters = fields.filter(({ filter, optional, type }) => filter && !(optional && type.name === 'reference'));
  const sorts = fields.filter(({ sort }) => sort);
  if (filters.length + sorts.length === 0) return '';
  const queries = [
    ...filters.map((field) => `\`${queryOf(field)}\``),
    ...sorts.flatMap(({ name }) => [`'sort=${name}'`, `'sort=-${name}'`]),
  ];
  return `
it('are listed by what they are filtered and sorted by', async () => {
  ${filters.some(({ type }) => type.name !== 'date') ? 'const made = await make();' : 'await make();'}
  for (const query of [${queries.join(', ')}]) {
    const response = await ada.call('GET', \`\${READS()}?\${query}\`);
    expect(response.statusCode, response.body).toBe(200);
    expect(response.json().items.length, query).toBeGreaterThan(0);
  }
});
`;
}

const linkTest = (blueprint: Blueprint, { name, to, target }: Link): string => `
it('are linked to ${name}', async () => {
  const at = \`\${WRITES()}/\${(await make()).id}\`;
  const ${to} = ${parentCall(blueprint, target.model)};
  expect((await ada.call('PUT', \`\${at}/${name}/\${${to}}\`)).statusCode).toBe(200);
  expect((await ada.call('GET', \`\${at}?include=${name}\`)).json().included.${name}).toMatchObject([{ id: ${to} }]);
  expect((await ada.call('DELETE', \`\${at}/${name}/\${${to}}\`)).statusCode).toBe(204);
  expect((await ada.call('GET', \`\${at}/${name}\`)).json().items).toEqual([]);
});
`;
