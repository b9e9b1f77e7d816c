import { type Blueprint, indexesOf, type Link, pathOf, type Reference, valuesConstant } from './blueprint.ts';
import { capital, words } from './words.ts';

const OWN = 'owner()';
const READ = "permission('collections:read')";
const WRITE = "permission('collections:write')";
const TEAM_WRITES = "teamRole(['owner', 'admin'])";

/** Who may do what, by whom the documents belong to. Administration reads all, and restores what was deleted. */
const ACCESS = {
  user: { list: [OWN, READ], read: [OWN, READ], create: [OWN], update: [OWN], delete: [OWN], restore: [WRITE] },
  team: {
    list: ['teamRole(TEAM_ROLES)', READ],
    read: ['teamRole(TEAM_ROLES)', READ],
    create: [TEAM_WRITES],
    update: [TEAM_WRITES],
    delete: [TEAM_WRITES],
    restore: [WRITE],
  },
  none: {
    list: ['signedIn()', READ],
    read: ['signedIn()', READ],
    create: [WRITE],
    update: [WRITE],
    delete: [WRITE],
    restore: [WRITE],
  },
} as const;

const RULES = { user: 'owner, permission', team: 'permission, teamRole', none: 'permission, signedIn' } as const;

const PURPOSES = {
  user: (many: string) => `The ${many} of accounts.`,
  team: (many: string) => `The ${many} of teams.`,
  none: (many: string) => `The ${many} that administration keeps for everybody.`,
} as const;

export const purposeOf = ({ names, owner }: Pick<Blueprint, 'names' | 'owner'>): string => PURPOSES[owner](names.many);

/** `src/routes/<name>.ts`: the declaration that its routes are made of. */
export function routeText(blueprint: Blueprint): string {
  const { names, owner, fields, references, links } = blueprint;
  const { singular, plural, model } = names;
  const listOf = (paths: readonly string[]) => `[${paths.map((path) => `'${path}'`).join(', ')}]`;
  const filters = fields.filter(({ filter }) => filter).map(({ name }) => name);
  const sorts = fields.filter(({ sort }) => sort).map(({ name }) => name);
  const rules = Object.entries(ACCESS[owner]).map(
    ([operation, each]) => `${operation}: ${each.length > 1 ? `[${each.join(', ')}]` : each[0]},`,
  );
  return `${importsOf(blueprint)}
export const ${plural} = resource<${model}Record>({
  model: ${model},
  name: '${singular}',
  ${plural === `${singular}s` ? '' : `plural: '${plural}',`}
  ${owner === 'team' ? `path: '${pathOf(blueprint)}',` : ''}
  purpose: '${purposeOf(blueprint)}',
  schemas: ${singular},
  access: {
    ${rules.join('\n')}
  },
  ${filters.length > 0 ? `filters: ${listOf(filters)},` : ''}
  ${sorts.length > 0 ? `sorts: ${listOf(sorts)},` : ''}
  ${includeText(references, links)}
  ${enumsText(blueprint)}
  ${owner === 'user' ? "private: { userId: 'Whose it is.' }," : ''}
  ${indexesText(blueprint)}
});
`
    .split('\n')
    .filter((line, n, all) => line.trim() !== '' || all[n - 1]?.endsWith(';') || n === all.length - 1)
    .join('\n');
}

function importsOf({ names, owner, fields, references, links }: Blueprint): string {
  const enums = fields.flatMap(({ name, type }) => (type.name === 'enum' ? [valuesConstant(names, name)] : []));
  const others = [
    ...references.flatMap(({ target, include }) => (include && target.resource) || []),
    ...links.map(({ target }) => target.resource),
  ];
  const included = new Map(others.map(({ constant, file }) => [constant, file]));
  return [
    `import { ${RULES[owner]} } from '../lib/access-rules.ts';`,
    ...(owner === 'team' ? ["import { TEAM_ROLES } from '../models/membership.ts';"] : []),
    `import { ${[...enums, names.model, `type ${names.model}Record`].join(', ')} } from '../models/${names.file}.ts';`,
    ...links.map(({ model, file }) => `import { ${model} } from '../models/${file}.ts';`),
    `import { ${names.singular} } from '../schemas/${names.file}.ts';`,
    ...[...included].map(([constant, file]) => `import { ${constant} } from './${file}.ts';`),
    "import { resource } from './resource/resource.ts';",
    '',
  ].join('\n');
}

function includeText(references: readonly Reference[], links: readonly Link[]): string {
  const members = [
    ...references.flatMap(({ field, include, target }) =>
      include === undefined
        ? []
        : [`${include}: { kind: 'parent', path: '${field.name}', of: () => ${target.resource?.constant} },`],
    ),
    ...links.map(
      ({ name, model, from, to, target }) =>
        `${name}: { kind: 'links', through: ${model}, from: '${from}', to: '${to}', of: () => ${target.resource.constant}, fields: {} },`,
    ),
  ];
  return members.length === 0 ? '' : `include: { ${members.join(' ')} },`;
}

function enumsText({ names, fields }: Blueprint): string {
  const members = fields.flatMap(({ name, type }) =>
    type.name === 'enum' ? [`'${capital(names.one)} ${words(name)}': ${valuesConstant(names, name)},`] : [],
  );
  return members.length === 0 ? '' : `enums: { ${members.join(' ')} },`;
}

function indexesText(blueprint: Blueprint): string {
  const members = indexesOf(blueprint).flatMap(({ name, serves }) =>
    serves === undefined ? [] : [`${name}: '${serves}',`],
  );
  return members.length === 0 ? '' : `indexes: { ${members.join(' ')} },`;
}
