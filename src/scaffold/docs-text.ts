import { type Blueprint, pathOf } from './blueprint.ts';
import { type Field, parametersOf } from './field.ts';
import { purposeOf } from './route-text.ts';
import { descriptionOf } from './schema-text.ts';
import { capital, withArticle } from './words.ts';

const WHO = {
  user: { reads: 'the account that it belongs to', writes: 'the account that it belongs to' },
  team: { reads: 'members of the team', writes: 'owners and admins of the team' },
  none: { reads: 'any account', writes: 'administration (`collections:write`), below `/v1/admin`' },
} as const;

/** The section of `docs/collections.md`, for a person to go on with. */
export function docsText(blueprint: Blueprint): string {
  const { names, owner, fields, links, references } = blueprint;
  const path = `/v1${pathOf(blueprint)}`;
  const writes = owner === 'none' ? `/v1/admin${pathOf(blueprint)}` : path;
  const { reads: reader, writes: writer } = WHO[owner];
  const includes = [...references.flatMap(({ include }) => include ?? []), ...links.map(({ name }) => name)];
  const rows: [string, string, string][] = [
    [`GET ${path}`, 'a page of them', reader],
    [`GET ${path}/:id`, withArticle(names.one), reader],
    [`POST ${writes}`, 'makes one', writer],
    [`PATCH ${writes}/:id`, 'changes it', writer],
    [`DELETE ${writes}/:id`, 'deletes it; it can be restored for a time', writer],
    ...links.flatMap(({ name, to }): [string, string, string][] => [
      [`GET ${path}/:id/${name}`, `its ${name}`, reader],
      [`PUT ${path}/:id/${name}/:${to}`, 'links it; `DELETE` takes the link away', writer],
    ]),
    [`GET /v1/admin${pathOf(blueprint)}`, 'all of them; `/:id` for one', '`collections:read`'],
    [`POST /v1/admin${pathOf(blueprint)}/:id/restore`, 'restores a deleted one', '`collections:write`'],
  ];
  return `
## ${capital(names.many)}

${purposeOf(blueprint)}

| Field | Type | What it is |
| --- | --- | --- |
${fields.map((field) => `| \`${field.name}\` | ${typeText(field)} | ${descriptionOf(field)} |`).join('\n')}

| Route | Does | Who may |
| --- | --- | --- |
${rows.map(([route, does, who]) => `| \`${route}\` | ${does} | ${who} |`).join('\n')}
${listText(fields, includes)}`;
}

function typeText({ type, optional, unique }: Field): string {
  const text = {
    string: () => ('maxLength' in type ? `string ≤ ${type.maxLength}` : ''),
    text: () => ('maxLength' in type ? `string ≤ ${type.maxLength}` : ''),
    integer: () => 'whole number',
    number: () => 'number',
    boolean: () => 'boolean',
    date: () => 'time, ISO 8601',
    decimal: () => 'decimal, as text',
    enum: () => ('values' in type ? type.values.map((value) => `\`${value}\``).join(', ') : ''),
    reference: () => ('to' in type ? `id of one of the ${type.to}` : ''),
  }[type.name]();
  return [text, ...(optional ? ['optional'] : []), ...(unique ? ['unique'] : [])].join('; ');
}

function listText(fields: readonly Field[], includes: readonly string[]): string {
  const listed = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');
  const filters = fields.filter(({ filter }) => filter).flatMap(parametersOf);
  const sorts = fields.filter(({ sort }) => sort).map(({ name }) => name);
  const sentences = [
    ...(filters.length > 0 ? [`Lists are filtered by ${listed(filters)}.`] : []),
    ...(sorts.length > 0 ? [`Lists are sorted by ${listed(sorts)}.`] : []),
    ...(includes.length > 0 ? [`\`include\` takes ${listed(includes)}.`] : []),
  ];
  return sentences.length === 0 ? '' : `\n${sentences.join(' ')}\n`;
}
